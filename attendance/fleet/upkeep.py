"""What a centre does by itself: photos of the forgotten go, the database stays in shape."""

import logging

from attendance.fleet.centre import Centre
from attendance.fleet.store import photos
from attendance.fleet.store.engine import reading, transaction
from attendance.fleet.store.upkeep import upkeep

ERASE_EVERY_S = 5.0
"""Somebody who asked to be forgotten waits for the picture to go."""
TIDY_EVERY_S = 3600.0
_AT_ONCE = 500

log = logging.getLogger(__name__)


class Upkeep:
    """Every replica does it; what one has done the others find done."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._tidied_ns: int | None = None

    def step(self) -> float:
        self.erase_photos()
        now_ns = self._centre.clock.boot_ns()
        if self._tidied_ns is None or now_ns - self._tidied_ns >= TIDY_EVERY_S * 1e9:
            self._tidied_ns = now_ns
            self.tidy()
        return ERASE_EVERY_S

    def erase_photos(self) -> None:
        """Delete the photos that must go. The database forgets them only when they are gone from the disk."""
        with reading(self._centre.engine) as conn:
            doomed = photos.doomed(conn, _AT_ONCE)
        for school_id, sha256 in doomed:
            self._centre.photos.erase(school_id, [sha256])
        if doomed:
            with transaction(self._centre.engine) as conn:
                for school_id, sha256 in doomed:
                    photos.deleted(conn, school_id, sha256)
            log.info("%d photos were erased", len(doomed))

    def tidy(self) -> None:
        upkeep(self._centre.engine, self._centre.clock.now().at)
        self._centre.photos.forget_unfinished(self._centre.clock)
        self._centre.logs.forget_old(self._centre.clock)
