"""A student as a school's list has them, before anything keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from attendance.domain.student import BOTH_SESSIONS


@dataclass(frozen=True, slots=True)
class Guardian:
    """``phone`` is E.164."""

    phone: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """``allowed_session``: the name of a session, or ``BOTH_SESSIONS``."""

    student_id: str
    name: str
    section: str = ""
    grade: str = ""
    sex: str = ""
    lrn: str = ""
    allowed_session: str = BOTH_SESSIONS
    guardians: Sequence[Guardian] = field(default_factory=tuple)
