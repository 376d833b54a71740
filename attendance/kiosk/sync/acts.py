"""How each command of the centre is done."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from attendance.domain.wire import CommandKind
from attendance.errors import AttendanceError, BadInput
from attendance.kiosk.store import directory, roster
from attendance.kiosk.store.centre_commands import Order
from attendance.kiosk.store.database import reading
from attendance.kiosk.sync.centre_settings import CentreSettings, commanded
from attendance.kiosk.sync.commands import Act, Restart
from attendance.kiosk.sync.log_bundle import Veil, bundle
from attendance.kiosk.sync.pulling import Centre
from attendance.ops.sqlite import Writer

log = logging.getLogger(__name__)

ORDERED = "the centre wants it"


class Acts:
    """The commands of one gate.

    Args:
        writer, centre: not owned.
        settings: of the centre.
        restart: restarts the gate in order, for a reason.
        back_up: makes a backup now and says which; raises ``AttendanceError`` if it cannot.
        look: has everything asked and sent anew.
        logs: files, the most important first.
        secrets: what must not be in logs.
        deadline_s: for sending them.
    """

    def __init__(
        self,
        database: Path,
        writer: Writer,
        centre: Centre,
        settings: CentreSettings,
        *,
        restart: Callable[[str], object],
        back_up: Callable[[], str],
        look: Callable[[], object],
        logs: Sequence[Path],
        secrets: Callable[[], Sequence[str]],
        deadline_s: float,
    ) -> None:
        self._database = database
        self._writer = writer
        self._centre = centre
        self._settings = settings
        self._restart = restart
        self._back_up = back_up
        self._look = look
        self._logs = logs
        self._secrets = secrets
        self._deadline_s = deadline_s

    @property
    def by_kind(self) -> Mapping[CommandKind, Act]:
        return {
            CommandKind.RESTART: lambda order: Restart(partial(self._restart, ORDERED)),
            CommandKind.BACKUP: lambda order: self._back_up(),
            CommandKind.LOGS: self._send_logs,
            CommandKind.SYNC: self._sync,
            CommandKind.CONFIG: self._configure,
        }

    def _sync(self, order: Order) -> str:
        self._look()
        return "Everything that waits is sent, and what is new is asked for."

    def _send_logs(self, order: Order) -> str:
        with reading(self._database) as conn:
            people = roster.personal_texts(conn)
        packed = bundle(self._logs, Veil([*people, *self._secrets()]))
        reply = self._centre.ask("PUT", f"/logs/{order.command_id}", packed, deadline_s=self._deadline_s)
        if not reply.ok:
            raise AttendanceError(f"The centre did not take the logs: {reply.fault}.")
        return f"{len(packed) / 1e6:.1f} MB of logs were sent."

    def _configure(self, order: Order) -> str | Restart:
        """Keep the settings if the gate would start with them; they hold from the next start on."""
        with reading(self._database) as conn:
            decided = directory.settings(conn)
        values = commanded(decided.get("command", {}), order.arguments)
        if values == decided.get("command", {}):
            return "The settings are so already."
        after: dict[str, Any] = decided | {"command": values}
        if fault := self._settings.fault(after):
            raise BadInput(fault)
        self._writer.run(partial(directory.set_settings, source="command", body=values))
        return Restart(partial(self._settings.publish, after))
