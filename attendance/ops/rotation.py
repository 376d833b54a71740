"""Which backups stay: a number of the newest, and the last of each finished day and week. Pure rules.

The order of backups is their number, never their date: after a wrong clock the oldest date may be the newest backup.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from attendance.ops.manifest import Manifest

Period = tuple[bool, date]
"""Whether the date is trusted, and the first day of the period."""


@dataclass(frozen=True, slots=True)
class Dated:
    """One backup of a shelf.

    Attributes:
        day: its local day.
        trusted: whether that day is known to be right.
    """

    name: str
    number: int
    day: date
    trusted: bool


def dated(backups: Iterable[tuple[str, Manifest]], zone: ZoneInfo) -> list[Dated]:
    """Backups with their days; one made before the clock was right takes its day from a later one of the same boot."""
    pairs = list(backups)
    reference = {each.boot_id: each for _, each in pairs if each.clock_trusted}
    found = []
    for name, each in pairs:
        at = each.made.at
        known = reference.get(each.boot_id)
        if known is not None:
            at = known.made.at - timedelta(microseconds=(known.boot_ns - each.boot_ns) / 1000)
        found.append(Dated(name, each.number, at.astimezone(zone).date(), known is not None))
    return found


def day_of(backup: Dated) -> Period:
    return backup.trusted, backup.day


def week_of(backup: Dated) -> Period:
    return backup.trusted, backup.day - timedelta(days=backup.day.weekday())


def finished(backups: Sequence[Dated], period: Callable[[Dated], Period]) -> list[Dated]:
    """The last backup of each period but the one that is going on; the newest first."""
    return _lasts(backups, period)[1:]


def surplus_periods(backups: Sequence[Dated], keep: int, period: Callable[[Dated], Period]) -> list[Dated]:
    """All but the last backups of the ``keep`` newest periods.

    Periods of a doubtful date are counted apart: they never push out one that is known.
    """
    lasts = _lasts(backups, period)
    known = [each.name for each in lasts if each.trusted]
    doubtful = [each.name for each in lasts if not each.trusted]
    stay = {*known[:keep], *doubtful[:keep]}
    return [each for each in backups if each.name not in stay]


def _lasts(backups: Iterable[Dated], period: Callable[[Dated], Period]) -> list[Dated]:
    """The last backup of each period, the newest first."""
    last = {period(each): each for each in sorted(backups, key=lambda backup: backup.number)}
    return sorted(last.values(), key=lambda backup: -backup.number)
