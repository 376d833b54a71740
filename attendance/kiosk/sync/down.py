"""The downward half of the exchange with the centre: the calls, and what follows from their answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attendance import __version__
from attendance.clock import Clock
from attendance.domain.contact import Versions
from attendance.kiosk.sms.absence import AbsenceRules
from attendance.kiosk.sms.proof import ProofOfWork
from attendance.kiosk.sync.acts import Acts
from attendance.kiosk.sync.applying import Limits
from attendance.kiosk.sync.centre_settings import CentreSettings, Check
from attendance.kiosk.sync.changes import Directory
from attendance.kiosk.sync.client import CentreClient
from attendance.kiosk.sync.commands import Commands
from attendance.kiosk.sync.following import Following, Heard
from attendance.kiosk.sync.foreign import OtherGates, OthersConfirmed, word
from attendance.kiosk.sync.heartbeat import Heartbeat
from attendance.kiosk.sync.windows import proven_windows
from attendance.kiosk.web.health import HealthPages
from attendance.ops.health import HealthBoard, Snapshot
from attendance.ops.service import Service
from attendance.ops.sqlite import Writer


@dataclass(frozen=True, slots=True)
class Seams:
    """What the running gate offers to the centre.

    Attributes:
        snapshot: the last look at its health.
        restart: restarts it in order, for a reason.
        back_up: makes a backup now and says which; raises ``AttendanceError`` if it cannot.
        check_settings: judges a layer of settings of the centre.
        works: whether somebody who shows a card now is seen and recorded, from which it is proven afterwards that the
            gate worked; ``None``: whoever sends messages proves it already.
    """

    snapshot: Callable[[], Snapshot]
    restart: Callable[[str], object]
    back_up: Callable[[], str]
    check_settings: Check
    works: Callable[[], bool] | None = None


@dataclass(frozen=True, slots=True)
class DownPlan:
    """As configured.

    Attributes:
        rules: of absences, which also say the zone and how many gates the school has.
        logs: files that are sent to whoever asks, the most important first.
        secrets: what must not be in them.
    """

    database: Path
    data_dir: Path
    rules: AbsenceRules
    limits: Limits
    interval_s: float
    timeout_s: float
    logs: Sequence[Path]
    secrets: Sequence[str]


class Down:
    """Calls the centre, and brings down what that decides.

    Args:
        writer, client: not owned.
        look: has all that waits sent now.
    """

    def __init__(
        self,
        plan: DownPlan,
        seams: Seams,
        writer: Writer,
        client: CentreClient,
        clock: Clock,
        look: Callable[[], object],
    ) -> None:
        rules, database, timeout_s = plan.rules, plan.database, plan.timeout_s
        settings = CentreSettings(plan.data_dir, seams.check_settings, seams.restart)
        self._directory = Directory(
            client, database, plan.data_dir, writer, settings, plan.limits, deadline_s=timeout_s
        )
        self._others = OtherGates(client, database, writer, gates=rules.gates, zone=rules.zone, deadline_s=timeout_s)
        self._following = (
            Following("sync directory", client, clock, self._follow_directory),
            Following("sync other gates", client, clock, self._follow_scans),
        )
        acts = Acts(
            database,
            writer,
            client,
            settings,
            restart=seams.restart,
            back_up=seams.back_up,
            look=look,
            logs=plan.logs,
            secrets=lambda: [*plan.secrets, *((client.credentials.token,) if client.credentials else ())],
            deadline_s=timeout_s,
        )
        self._commands = Commands(database, writer, client, clock, acts.by_kind)
        self._pages = HealthPages(seams.snapshot, clock, rules.zone, started=lambda: True, ready=lambda: True)
        self._heartbeat = Heartbeat(
            database,
            writer,
            client,
            clock,
            version=__version__,
            health=self._health,
            applied=lambda: Versions(changes=self._directory.version, scans=self._others.version),
            windows=lambda: list(proven_windows(database, rules, clock)),
            told=self.hear,
            interval_s=plan.interval_s,
            timeout_s=timeout_s,
        )
        self._proof = ProofOfWork(writer, clock, seams.works) if seams.works is not None else None
        self.others_confirmed = OthersConfirmed(database, rules.schedule, rules.zone, rules.limits.after, clock)

    @property
    def services(self) -> Sequence[Service]:
        """In the order of starting."""
        proof = [self._proof.service] if self._proof is not None else []
        following = [each.service for each in self._following]
        return [*following, self._heartbeat.service, self._commands.service, *proof]

    @property
    def slow_service(self) -> Service:
        """The one that makes backups, which take their time."""
        return self._commands.service

    def add_probes(self, board: HealthBoard) -> None:
        board.add_probe("centre_directory", self._directory.probe)

    def hear(self, heard: Heard) -> None:
        """The centre has answered a call."""
        self._commands.take(heard.answer.commands)
        for each in self._following:
            each.hear(heard)

    def _follow_directory(self, heard: Heard) -> bool:
        return self._directory.step(heard.answer.versions.changes, heard.at)

    def _follow_scans(self, heard: Heard) -> bool:
        return self._others.step(word(heard.answer), heard.at)

    def _health(self) -> dict[str, Any]:
        return self._pages.everything()[0]
