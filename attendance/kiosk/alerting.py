"""Tells people of the gate's problems. Owns ``alerts.json`` and ``alerts-acknowledged.txt`` in the data directory."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from attendance.clock import Clock, Moment
from attendance.domain.quiet import QuietHours
from attendance.errors import AttendanceError, StorageError
from attendance.ops.alert_letters import Letters
from attendance.ops.alert_post import PATIENCE_S, Post, Poster
from attendance.ops.alert_words import words
from attendance.ops.alerts import Alert, Alerts, Found, Notice, Policy, from_json, to_json
from attendance.ops.files import write_atomically
from attendance.ops.health import ProbeResult, Problem, Snapshot
from attendance.ops.service import Service

log = logging.getLogger(__name__)

LOOK_S = 15.0
LONGEST_S = 5 * PATIENCE_S
"""A step may have a few notices to send, and a ping, each to a server that does not answer."""
_LATE_S = 600.0

NOT_SENT = Problem(
    "alerts-not-sent",
    "warning",
    "People could not be told of problems for {minutes:.0f} minutes: {why}",
    "Try `attendance alerts test`; correct alerts.receivers, or let the gate reach the internet.",
)


@dataclass(frozen=True, slots=True)
class Receivers:
    """``addresses`` are Apprise's, secret; ``phones`` E.164, told of errors only."""

    addresses: Sequence[str] = ()
    phones: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class AlertPlan:
    """As configured.

    Attributes:
        place: what the gate is called in a title.
        quiet: when only errors are told; ``None``: never.
        leave_to_centre: the centre tells while the gate is in contact with it.
        ping_url: empty: none.
    """

    policy: Policy
    receivers: Receivers
    escalation: Receivers
    place: str
    quiet: QuietHours | None = None
    leave_to_centre: bool = True
    ping_url: str = ""
    ping_s: float = 300.0


class Alerting:
    """Looks at the health snapshot every quarter of a minute.

    What was told is noted only when it has left, so that a power cut in between tells it twice rather than never.

    Args:
        snapshot: the gate's health.
        in_contact: whether the centre has just been heard.
        send_sms: queues a text for a number; raises ``AttendanceError`` if it cannot.
        poster: sends what leaves otherwise.
    """

    def __init__(
        self,
        plan: AlertPlan,
        data_dir: Path,
        clock: Clock,
        zone: ZoneInfo,
        *,
        snapshot: Callable[[], Snapshot],
        in_contact: Callable[[], bool],
        send_sms: Callable[[str, str], object],
        poster: Poster,
    ) -> None:
        self._plan = plan
        self._file = file_of(data_dir)
        self._acknowledged = _acknowledged(data_dir)
        self._clock = clock
        self._zone = zone
        self._snapshot = snapshot
        self._in_contact = in_contact
        self._send_sms = send_sms
        self._poster = poster
        self._alerts: Alerts | None = None
        self._letters = Letters(poster, clock)
        self._next_ping_ns = 0
        self._saved = b""
        self.service = Service("alerts", self, wake=poster.interrupt)

    def step(self) -> float:
        now = self._clock.now()
        alerts = self._remembered()
        for notice in alerts.look(self._found(alerts), now, quiet=self._is_quiet(now)):
            self._write(notice)
        self._letters.deliver()
        if not self._letters.waiting:
            self._save(alerts)
        self._ping(now)
        return LOOK_S

    def probe(self) -> ProbeResult:
        """Whether people can be told."""
        letters = self._letters
        late = letters.late_s > _LATE_S
        problems = [NOT_SENT.said(minutes=letters.late_s / 60, why=letters.why)] if late else []
        return ProbeResult("alerts", {"waiting": letters.waiting}, problems)

    def _remembered(self) -> Alerts:
        if self._alerts is None:
            self._alerts = Alerts(self._plan.policy, remembered(self._file))
        if self._acknowledged.exists():
            taken = self._acknowledged.replace(self._acknowledged.with_suffix(".taken"))  # more may be said meanwhile
            for code in taken.read_text("utf-8", "replace").split():
                self._alerts.acknowledge(code)
            taken.unlink()
        return self._alerts

    def _found(self, alerts: Alerts) -> list[Found]:
        """What is wrong; while the centre tells of it, only what people here already know of."""
        found = [Found("", problem) for problem in self._snapshot().problems]
        if not (self._plan.leave_to_centre and self._in_contact()):
            return found
        told = {alert.problem.code for alert in alerts.all if alert.told is not None}
        return [each for each in found if each.problem.code in told]

    def _is_quiet(self, now: Moment) -> bool:
        """Nothing is quiet by a clock that may be wrong."""
        quiet = self._plan.quiet
        return quiet is not None and now.trusted and quiet.hold(now.at.astimezone(self._zone).time())

    def _write(self, notice: Notice) -> None:
        receivers = self._plan.escalation if notice.kind == "escalation" else self._plan.receivers
        said = words(notice, self._plan.place)
        log.info("alert: %s", said.title)
        self._letters.add(Post(receivers.addresses, said.title, said.body, said.severity))
        if all(alert.problem.severity != "error" for alert in notice.alerts):
            return
        for phone in receivers.phones:
            try:
                self._send_sms(phone, said.title)
            except AttendanceError as error:
                log.warning("an alert could not be queued as a message: %s", error)

    def _save(self, alerts: Alerts) -> None:
        text = to_json(alerts.all)
        if text == self._saved:
            return
        try:
            write_atomically(self._file, text)
            self._saved = text
        except StorageError as error:
            log.warning("%s", error)  # at worst people are told again after a restart

    def _ping(self, now: Moment) -> None:
        if not self._plan.ping_url or now.boot_ns < self._next_ping_ns:
            return
        self._next_ping_ns = now.boot_ns + round(self._plan.ping_s * 1e9)
        try:
            self._poster.ping(self._plan.ping_url, well=self._snapshot().overall != "unhealthy")
        except AttendanceError as error:
            log.warning("the monitor could not be told that the gate lives: %s", error)


def remembered(file: Path) -> list[Alert]:
    """What an ``Alerting`` has noted; nothing if it is damaged, for then people are only told again."""
    try:
        return from_json(file.read_bytes())
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        log.warning("%s cannot be read; people may be told of some problems again", file.name)
        return []


def file_of(data_dir: Path) -> Path:
    """What is remembered."""
    return data_dir / "alerts.json"


def acknowledge(data_dir: Path, code: str) -> None:
    """Leave word for the running gate that somebody looks after a problem."""
    with _acknowledged(data_dir).open("a", encoding="utf-8") as file:
        file.write(f"{code}\n")


def _acknowledged(data_dir: Path) -> Path:
    return data_dir / "alerts-acknowledged.txt"
