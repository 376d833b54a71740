"""Does what the centre tells this gate, each command once, and says what became of it.

What a command is, and that it is in hand, is durable before anything is done: a gate that restarts because it was told
to, does not do so again.
"""

import hmac
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from attendance.clock import Clock, Moment, from_rfc3339
from attendance.domain import wire
from attendance.domain.wire import Command, CommandKind
from attendance.errors import AttendanceError, BadInput
from attendance.kiosk.store import centre_commands
from attendance.kiosk.store.centre_commands import Order
from attendance.kiosk.store.database import reading
from attendance.kiosk.sync.client import CentreClient
from attendance.ops.service import Service
from attendance.ops.sqlite import Writer

log = logging.getLogger(__name__)

_IDLE_S = 60.0


@dataclass(frozen=True, slots=True)
class Restart:
    """What is left to do is a restart; ``begin`` asks for it, after that is durable."""

    begin: Callable[[], object]


Act = Callable[[Order], "str | Restart"]
"""Does a command and says what was done. ``BadInput``: it must not be done; another ``AttendanceError``: it failed."""


class Commands:
    """Takes commands from answers of the centre, and does one after the other on a thread of its own.

    Args:
        writer, client: not owned.
        acts: how each kind is done.
        run: names this run of the gate.
    """

    def __init__(
        self,
        database: Path,
        writer: Writer,
        client: CentreClient,
        clock: Clock,
        acts: Mapping[CommandKind, Act],
        run: str = "",
    ) -> None:
        self._database = database
        self._writer = writer
        self._client = client
        self._clock = clock
        self._acts = acts
        self._run = run or secrets.token_hex(8)
        self._settled = False
        self.service = Service("sync commands", self, wake=client.hang_up)

    def take(self, commands: Sequence[Command]) -> None:
        """Enter those that are new; any thread.

        Raises:
            StorageError: the database refused.
        """
        now = self._clock.now()
        with reading(self._database) as conn:
            new = [each for each in commands if not centre_commands.known(conn, each.command_id)]
        for command in new:
            fault = self._fault(command, now)
            log.log(
                logging.WARNING if fault else logging.INFO,
                "the centre's command %s (%s) is %s",
                command.command_id,
                command.kind,
                fault or "taken",
            )
            take = partial(centre_commands.take, command=command, refused=fault, run=self._run, now=now)
            self._writer.run(take)
        if new:
            self.service.nudge()

    def step(self) -> float:
        if not self._settled:
            self._writer.run(partial(centre_commands.end_of_earlier_runs, run=self._run))
            self._settled = True
        with reading(self._database) as conn:
            order = centre_commands.next_one(conn)
        if order is None:
            return _IDLE_S
        self._do(order)
        return 0.0

    def _do(self, order: Order) -> None:
        self._begin(order, restarting=False)
        try:
            done = self._acts[CommandKind(order.kind)](order)
        except BadInput as error:
            self._end(order.command_id, "refused", str(error))
        except AttendanceError as error:
            self._end(order.command_id, "failed", str(error))
        else:
            if isinstance(done, Restart):
                self._begin(order, restarting=True)
                done.begin()
            else:
                self._end(order.command_id, "done", done)

    def _begin(self, order: Order, *, restarting: bool) -> None:
        self._writer.run(
            partial(centre_commands.begin, command_id=order.command_id, run=self._run, restarting=restarting)
        )

    def _end(self, command_id: str, state: str, detail: str) -> None:
        log.info("the centre's command %s: %s: %s", command_id, state, detail)
        self._writer.run(partial(centre_commands.end, command_id=command_id, state=state, detail=detail))

    def _fault(self, command: Command, now: Moment) -> str:
        """Why a command must not be done; empty: nothing speaks against it.

        Whether it is too old is the centre's to say, unless this gate knows the time itself.
        """
        place = self._client.credentials
        if place is None or command.gate_id != place.gate_id:
            return "It is not for this gate."
        right = wire.signature_of_command(
            place.key_hash,
            command.command_id,
            command.gate_id,
            command.kind,
            command.arguments,
            command.issued_at,
            command.expires_at,
        )
        if not hmac.compare_digest(right, command.signature):
            return "Its signature is not the centre's."
        if now.trusted and now.at > from_rfc3339(command.expires_at):
            return "It came too late."
        return ""
