"""One delivery's requests: who is asked is on the disk before they are, and each takes a slot of the limits."""

import sqlite3

from attendance.clock import Clock, Moment
from attendance.kiosk.sms.limits import Limits
from attendance.kiosk.store import claims, sms_limits
from attendance.kiosk.store.claims import Claim
from attendance.ops.sqlite import Writer


class OutOfSlots(Exception):
    """A second gateway cannot be asked: the first one's request took the last slot."""


class Request:
    """The slots of one delivery: the claim took the first; a further gateway takes a further one."""

    def __init__(self, writer: Writer, clock: Clock, limits: Limits, claim: Claim, slot: int) -> None:
        self._writer = writer
        self._clock = clock
        self._limits = limits
        self._claim = claim
        self._slot = slot
        self._made = False

    def begin(self, gateway: str) -> None:
        """Note durably who is asked; what the claim has noted already costs nothing.

        Raises:
            OutOfSlots: nobody else can be asked at the moment.
        """
        if self._made or gateway != self._claim.gateway:
            self._slot = self._writer.run(lambda conn: self._further(conn, gateway))
        self._made = True

    def end(self, conn: sqlite3.Connection, now: Moment) -> None:
        """Free the slot a window from now, or at once if no request was made."""
        if self._made:
            sms_limits.end_slot(conn, self._slot, now)
        else:
            sms_limits.release_slot(conn, self._slot)

    def _further(self, conn: sqlite3.Connection, gateway: str) -> int:
        now = self._clock.now()
        slot = self._slot
        if self._made:
            sms_limits.end_slot(conn, self._slot, now)
            if sms_limits.slot_wait_s(conn, now, self._limits.windows):
                raise OutOfSlots
            slot = sms_limits.reserve_slot(conn, self._claim.message_id, now)
        claims.note_gateway(conn, self._claim.message_id, gateway)
        return slot
