"""How sheets write days and times of the day, and who is in no section."""

from datetime import date

from attendance.fleet.store.rollups import SLOT_MINUTES

NO_SECTION = "Without a section"


def short(day: date) -> str:
    """As ``9 Jun``."""
    return f"{day.day} {day:%b}"


def clock(slot: int) -> str:
    """When ten minutes of a day begin, as ``06:40``."""
    hours, minutes = divmod(slot * SLOT_MINUTES, 60)
    return f"{hours:02}:{minutes:02}"
