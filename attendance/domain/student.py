"""Who may pass."""

from dataclasses import dataclass

BOTH_SESSIONS = "both"


@dataclass(frozen=True, slots=True)
class Student:
    """A student as the gate knows them.

    Attributes:
        key: random; what attendance rows name. The only link from a row to a person is the students table.
        student_id: the school's student number, as on the card.
        allowed_session: a session's name, or ``both`` for all.
    """

    key: str
    student_id: str
    name: str
    section: str
    allowed_session: str = BOTH_SESSIONS

    def attends(self, session: str) -> bool:
        return self.allowed_session in (BOTH_SESSIONS, session)
