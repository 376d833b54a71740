"""An invented school: names, sections and phone numbers of nobody, and its day."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time, timedelta

from attendance.domain.schedule import Schedule, Session

_FIRST = {
    "F": (
        "Maria",
        "Angela",
        "Rosa",
        "Luz",
        "Carmela",
        "Divina",
        "Althea",
        "Jasmine",
        "Liza",
        "Corazon",
        "Bea",
        "Trisha",
    ),
    "M": (
        "Juan",
        "Jose",
        "Miguel",
        "Carlo",
        "Rafael",
        "Emilio",
        "Andres",
        "Gabriel",
        "Ramon",
        "Dante",
        "Paolo",
        "Isko",
    ),
}
_LAST = (
    *("Santos", "Reyes", "Cruz", "Bautista", "Ocampo", "Garcia", "Mendoza", "Torres", "Castillo", "Flores", "Ramos"),
    *("Villanueva", "Aquino", "Salazar", "Peña", "Muñoz", "Dela Cruz", "De Leon", "Pangilinan", "Magsaysay", "Lacson"),
    *("Dimaculangan", "Macaraeg", "Tolentino", "Ibañez", "Evangelista"),
)
_SECTIONS = ("7-Sampaguita", "7-Narra", "8-Molave", "8-Ilang-Ilang", "9-Rizal", "9-Bonifacio", "10-Mabini", "10-Luna")

_OPENS, _CLOSES = time(0), time(23, 59, 59)
SCHEDULE = Schedule(
    sessions=(Session("day", _OPENS, _OPENS, _CLOSES, _OPENS, _CLOSES, timedelta(days=1)),),
    weekdays=frozenset(range(7)),
    early=timedelta(minutes=60),
    cooldown=timedelta(minutes=5),
)
"""One session around the clock: a simulation is looked at at any hour."""
_TIMES = {
    "start_time": _OPENS.isoformat(),
    "end_time": _CLOSES.isoformat(),
    "login_window_start": _OPENS.isoformat(),
    "login_window_end": _CLOSES.isoformat(),
    "logout_window_start": _OPENS.isoformat(),
    "logout_window_end": _CLOSES.isoformat(),
    "late_threshold_minutes": 1440,
}
SECTION = {"morning_class": None, "afternoon_class": None, "day_class": _TIMES}
"""The same as a gate's configuration has it."""
ABSENCE_AFTER = timedelta(minutes=30)
"""From the end of a window until guardians are told, as in a gate's configuration that says nothing else."""


@dataclass(frozen=True, slots=True)
class Invented:
    """One student of the invented school; the fields are those of a school's list."""

    student_id: str
    last_name: str
    first_name: str
    middle_name: str
    sex: str
    grade: str
    section: str
    guardian: str
    phone: str


LARGEST = 9_999
"""Students with different numbers; the largest schools have fewer."""


def invent(count: int, seed: int) -> Iterator[Invented]:
    """``count`` students, the same for the same seed. The phone numbers have the right form; nobody gave them."""
    chance = random.Random(seed)
    for number in range(1, count + 1):
        sex = chance.choice("FM")
        last, mother = chance.choice(_LAST), chance.choice(_LAST)
        section = _SECTIONS[(number - 1) * len(_SECTIONS) // count]
        parent_sex = chance.choice("FM")
        yield Invented(
            student_id=f"2026-{number:04}",
            last_name=last,
            first_name=" ".join(chance.sample(_FIRST[sex], chance.choice((1, 1, 2)))),
            middle_name=mother,
            sex=sex,
            grade=section.split("-")[0],
            section=section,
            guardian=f"{chance.choice(_FIRST[parent_sex])} {last}",
            phone=f"+639170{number:06}",
        )
