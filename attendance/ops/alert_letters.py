"""Words about alerts that are on their way: each address until it has taken them, or they have grown too old."""

from dataclasses import dataclass, replace

from attendance.clock import Clock
from attendance.errors import AttendanceError
from attendance.ops.alert_post import Post, Poster

_AGAIN_S = 60.0
_GIVE_UP_S = 4 * 3600.0
"""Who could not be told of a problem for so long is reminded of it anyway, if it is still there."""


@dataclass(slots=True)
class _Letter:
    post: Post
    since_ns: int


class Letters:
    """Not for several threads at once; ``waiting``, ``late_s`` and ``why`` may be read by any.

    Attributes:
        why: what was in the way at the last try.
    """

    def __init__(self, poster: Poster, clock: Clock) -> None:
        self._poster = poster
        self._clock = clock
        self._letters: list[_Letter] = []
        self._next_try_ns = 0
        self.why = ""

    @property
    def waiting(self) -> int:
        return len(self._letters)

    @property
    def late_s(self) -> float:
        """How long the oldest has been tried."""
        now_ns = self._clock.boot_ns()
        return max(((now_ns - letter.since_ns) / 1e9 for letter in list(self._letters)), default=0.0)

    def add(self, post: Post) -> None:
        if post.addresses:
            self._letters.append(_Letter(post, self._clock.boot_ns()))

    def deliver(self) -> None:
        """Try what waits, if it is time to."""
        if self._clock.boot_ns() < self._next_try_ns:
            return
        for letter in list(self._letters):
            left = self._untaken(letter.post)
            letter.post = replace(letter.post, addresses=left)
            if not left or (self._clock.boot_ns() - letter.since_ns) / 1e9 > _GIVE_UP_S:
                self._letters.remove(letter)
        if self._letters:
            self._next_try_ns = self._clock.boot_ns() + round(_AGAIN_S * 1e9)

    def _untaken(self, post: Post) -> list[str]:
        try:
            took = self._poster.send(post)
        except AttendanceError as error:
            self.why = f"{error}."
            return list(post.addresses)
        left = [address for address, good in zip(post.addresses, took, strict=True) if not good]
        if left:
            self.why = f"{len(left)} of {len(took)} receivers did not take it."
        return left
