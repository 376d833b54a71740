"""Keeps the proof that the gate works, from which later is known whether a missing scan means a missing student."""

import logging
from collections.abc import Callable

from attendance.clock import Clock, Moment
from attendance.errors import StorageError
from attendance.kiosk.store import proof
from attendance.ops.service import Service
from attendance.ops.sqlite import Writer
from attendance.vision.messages import Status

log = logging.getLogger(__name__)

LOOK_S = 10.0
_WRITE_S = 120.0
"""Between two writes; less than the hole that is tolerated, so that a power cut does not cost a day's messages."""
_BLIND_S = 60.0
"""Who has not looked for so long cannot vouch for what was in between."""
_JUMP_S = 5.0
"""NTP slews smaller differences away; a larger one is a jump."""
_STALE_FRAME_S = 10.0


class ProofOfWork:
    """Looks whether the gate works, and writes a span that grows while it does.

    Only a trusted clock proves anything. A failed write, a blind minute or a jump of the clock ends the span.

    Args:
        works: whether somebody who shows a card now is seen and recorded; cheap.
    """

    def __init__(self, writer: Writer, clock: Clock, works: Callable[[], bool]) -> None:
        self._writer = writer
        self._clock = clock
        self._works = works
        self._span: int | None = None
        self._seen: Moment | None = None
        self._after_jump = False
        self._written_ns = 0
        self.service = Service("proof of work", self, close=self.close)

    def step(self) -> float:
        now = self._clock.now()
        works = now.trusted and self._works()
        before = self._seen
        if now.trusted:
            self._seen = now
            self._after_jump |= before is not None and _jumped(before, now)
        if before is not None and (not works or self._after_jump or _s(before, now) > _BLIND_S):
            self._end(before)
        if not works:
            return LOOK_S
        if self._span is None:
            after_jump = self._after_jump
            self._span = self._writer.run(lambda conn: proof.begin(conn, now.at, after_jump=after_jump))
            self._after_jump = False
            self._written_ns = now.boot_ns
        elif (now.boot_ns - self._written_ns) / 1e9 >= _WRITE_S:
            self._extend(now)
        return LOOK_S

    def close(self) -> None:
        """Write what is proven so far; the writer must still run."""
        if self._seen is not None:
            self._end(self._seen)

    def _end(self, last: Moment) -> None:
        self._extend(last)
        self._span = None

    def _extend(self, until: Moment) -> None:
        span = self._span
        if span is None:
            return
        try:
            self._writer.run(lambda conn: proof.extend(conn, span, until.at))
            self._written_ns = until.boot_ns
        except StorageError as error:
            log.warning("the proof that the gate works could not be written: %s", error)
            self._span = None


def camera_sees(status: Status | None, now_ns: int) -> bool:
    """Whether the camera gives fresh, usable pictures.

    Args:
        status: the last of the vision process.
        now_ns: boot time.
    """
    if status is None or status.camera != "ok":
        return False
    return (now_ns - status.last_frame_boot_ns) / 1e9 <= _STALE_FRAME_S


def _s(before: Moment, now: Moment) -> float:
    return (now.boot_ns - before.boot_ns) / 1e9


def _jumped(before: Moment, now: Moment) -> bool:
    return abs((now.at - before.at).total_seconds() - _s(before, now)) > _JUMP_S
