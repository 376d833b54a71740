"""What is wrong with what the centre sends down, and what a person must do."""

from collections.abc import Sequence

from attendance.kiosk.store.centre_refusals import Refusal
from attendance.ops.health import Problem

ROSTER_TOO_SMALL = Problem(
    "centre-roster-small",
    "warning",
    "The centre's list has only {remaining} of the {students} students who are known here. It was not taken.",
    "If the others have left, run `attendance sync accept-roster` at the gate; else correct the list at the centre.",
)
ROSTER_FAULTY = Problem(
    "centre-roster-faulty",
    "warning",
    "The centre's list of students and cards was not taken: {reason}.",
    "Correct that at the centre. Until then the gate goes on with the list that it has.",
)
RULES_FAULTY = Problem(
    "centre-calendar-faulty",
    "warning",
    "The centre's calendar was not taken: {reason}.",
    "Correct that at the centre. Until then the gate goes on with the calendar that it has.",
)
SETTINGS_FAULTY = Problem(
    "centre-settings-faulty",
    "warning",
    "The centre's {what} was not taken: {reason}.",
    "Correct it at the centre. Until then the gate goes on with the one that it has.",
)
ROSTER_OLD = Problem(
    "roster-old",
    "warning",
    "The list of students has not been compared with the centre's for {days:.0f} days.",
    "Let the gate reach the centre; `attendance sync status` says what is in the way. New students are refused until"
    " then.",
)


def problems(refusals: Sequence[Refusal]) -> list[Problem]:
    """What health says of what was not taken."""
    return [_problem(each) for each in refusals if not each.accepted]


def _problem(refusal: Refusal) -> Problem:
    if refusal.too_small:
        return ROSTER_TOO_SMALL.said(remaining=refusal.remaining, students=refusal.students)
    reason = refusal.reason.rstrip(".")
    if refusal.what == "roster":
        return ROSTER_FAULTY.said(reason=reason)
    if refusal.what == "rules":
        return RULES_FAULTY.said(reason=reason)
    return SETTINGS_FAULTY.said(what={"texts": "set of texts"}.get(refusal.what, refusal.what), reason=reason)
