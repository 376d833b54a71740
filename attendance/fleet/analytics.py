"""From counted days to what the pages of the analytics show: sums, shares, weeks and weekdays."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple, Protocol, TypeVar

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST_DAYS_DRAWN = 62
"""Of a longer period weeks are drawn."""
_Key = TypeVar("_Key", bound=Hashable)
_Row = TypeVar("_Row", bound="_OfDay")


class _OfDay(Protocol):
    @property
    def day(self) -> str: ...


class Attended(NamedTuple):
    """Students and sessions: ``late`` are among the ``present``, those among the ``expected``."""

    expected: int = 0
    present: int = 0
    late: int = 0

    @property
    def absent(self) -> int:
        return self.expected - self.present

    @property
    def absent_percent(self) -> float:
        return 100 * self.absent / self.expected if self.expected else 0.0

    @property
    def late_percent(self) -> float:
        """Of those who came."""
        return 100 * self.late / self.present if self.present else 0.0


class _HasAttended(_OfDay, Protocol):
    @property
    def expected(self) -> int: ...
    @property
    def present(self) -> int: ...
    @property
    def late(self) -> int: ...


_Counted = TypeVar("_Counted", bound=_HasAttended)


def attended_by(rows: Iterable[_Counted], key: Callable[[_Counted], _Key]) -> dict[_Key, Attended]:
    """Sums by whatever ``key`` says of a row."""
    found: dict[_Key, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        sums = found[key(row)]
        sums[0] += row.expected
        sums[1] += row.present
        sums[2] += row.late
    return {name: Attended(*sums) for name, sums in found.items()}


def weekday(row: _OfDay) -> int:
    """0 is Monday."""
    return _date(row.day).weekday()


@lru_cache(maxsize=2048)
def _date(day: str) -> date:
    """Fifty schools, or sections, have the same days."""
    return date.fromisoformat(day)


@lru_cache(maxsize=2048)
def _monday(day: str) -> date:
    at = _date(day)
    return at - timedelta(days=at.weekday())


@dataclass(frozen=True, slots=True)
class Steps:
    """The days of a period, or its weeks if there are many."""

    first: date
    last: date

    @property
    def weekly(self) -> bool:
        return (self.last - self.first).days >= MOST_DAYS_DRAWN

    @property
    def word(self) -> str:
        return "week" if self.weekly else "day"

    def of(self, day: str) -> date:
        """The step in which a day lies, by its first day."""
        return self._step(day)

    def all(self) -> list[date]:
        """In order."""
        first, span = self.of(self.first.isoformat()), timedelta(days=7 if self.weekly else 1)
        return [first + n * span for n in range((self.last - first) // span + 1)]

    def sums(self, rows: Iterable[_Row], value: Callable[[_Row], int]) -> list[int]:
        """Of each step."""
        found: dict[date, int] = defaultdict(int)
        step = self._step
        for row in rows:
            found[step(row.day)] += value(row)
        return [found.get(at, 0) for at in self.all()]

    @property
    def _step(self) -> Callable[[str], date]:
        return _monday if self.weekly else _date


def days_with(rows: Iterable[_Row], value: Callable[[_Row], int]) -> int:
    """On how many days there was anything."""
    return len({row.day for row in rows if value(row)})


def busiest(slots: Mapping[int, float]) -> int | None:
    """The ten minutes with the most; of several the first."""
    return min(slots, key=lambda slot: (-slots[slot], slot)) if any(slots.values()) else None


def by(rows: Iterable[_Row], key: Callable[[_Row], _Key]) -> dict[_Key, list[_Row]]:
    found: dict[_Key, list[_Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return dict(found)


def in_order(ids: Collection[str], names: Mapping[str, str]) -> Sequence[str]:
    """Ids by name."""
    return sorted(ids, key=lambda each: (names.get(each, "").casefold(), each))
