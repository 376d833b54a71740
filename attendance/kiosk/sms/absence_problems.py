"""What the office is told when nothing was sent about a session, and what a person must do."""

from collections.abc import Mapping, Sequence

from attendance.domain.absence import Reason
from attendance.domain.message import MessageKind
from attendance.kiosk.store.absence import Round
from attendance.ops.health import Problem

CLOCK_UNSURE = Problem(
    "absence-clock-unsure",
    "warning",
    "No absence and no missing departure is told: the clock is not known to be right.",
    "Connect the gate to a network with a time server, or set clock.trust_rtc if its clock chip has a battery.",
)
_PROBLEMS: Mapping[Reason, Problem] = {
    Reason.TOO_MANY: Problem(
        "absence-too-many",
        "warning",
        "{named} of {expected} students would be told as {what} of {day}, {session}. Nothing was sent.",
        "Look at them with `attendance sms absences --date {day} --session {session} --dry-run`. If it is right, repeat"
        " it with --confirm instead of --dry-run.",
    ),
    Reason.NOT_PROVEN: Problem(
        "absence-not-proven",
        "warning",
        "Nothing was sent about {what} of {day}, {session}: the gate did not provably work at {detail}.",
        "Compare `attendance sms absences --date {day} --session {session} --dry-run` with the class lists and call the"
        " guardians.",
    ),
    Reason.CLOCK_UNSURE: CLOCK_UNSURE,
    Reason.CLOCK_JUMPED: Problem(
        "absence-clock-jumped",
        "warning",
        "Nothing was sent about {what} of {day}, {session}: the clock jumped on that day.",
        "Compare `attendance sms absences --date {day} --session {session} --dry-run` with the class lists and call the"
        " guardians.",
    ),
    Reason.NOBODY_CAME: Problem(
        "absence-nobody-came",
        "notice",
        "Nothing was sent about {what} of {day}, {session}: no student came at all.",
        "If there were no classes, enter the day with `attendance calendar add`, or its weekday in"
        " school_schedule.weekdays.",
    ),
    Reason.OTHER_GATES: Problem(
        "absence-other-gates",
        "notice",
        "Nothing was sent about {what} of {day}, {session}: the scans of the school's other gates are not all here.",
        "Set school.gates to 1 if this is the only gate; otherwise look at the gates that the centre misses.",
    ),
    Reason.OTHERS_UNPROVEN: Problem(
        "absence-others-unproven",
        "warning",
        "Nothing was sent about {what} of {day}, {session}: another gate of the school did not provably work.",
        "Look at the other gates at the centre. Compare `attendance sms absences --date {day} --session {session}"
        " --dry-run` with the class lists and call the guardians.",
    ),
    Reason.ONE_WAY: Problem(
        "absence-one-way",
        "notice",
        "Nothing was sent about {what} of {day}, {session}: this gate does not record that direction.",
        "Set device.direction to both, or switch that message off in sms_notifications.notification_preferences.",
    ),
    Reason.ROSTER_EMPTY: Problem(
        "absence-roster-empty",
        "notice",
        "Nothing was sent about {what} of {day}, {session}: no student is enrolled in that session.",
        "Import the students, or take the session out of school_schedule.",
    ),
    Reason.ROSTER_FRESH: Problem(
        "absence-roster-fresh",
        "notice",
        "Nothing was sent about {what} of {day}, {session}: most students were enrolled only on that day.",
        "Nothing needs to be done; from the next day on the roster is believed.",
    ),
    Reason.TOO_LATE: Problem(
        "absence-too-late",
        "notice",
        "Nothing was sent about {what} of {day}, {session}: the gate could not judge it in time.",
        "Look at `attendance sms absences --date {day} --session {session} --dry-run` and call the guardians if need"
        " be.",
    ),
}
_CHOICES: Mapping[Reason, str] = {
    Reason.NO_WINDOW: "The session has no such window.",
    Reason.NOT_DUE: "It is not time yet.",
    Reason.NO_CLASSES: "There are no classes.",
    Reason.LATER_SESSION: "Its students have a later session on that day.",
    Reason.SWITCHED_OFF: "A person has switched it off.",
}
"""What somebody has chosen, and what is no fault."""
_WHAT = {MessageKind.ABSENCE: "absences", MessageKind.NO_CHECKOUT: "missing departures"}


def problems(found: Round) -> list[Problem]:
    """What the office must know of a round that was held; nothing if a person wanted it so."""
    if any(reason in _CHOICES for reason in found.reasons):
        return []
    return [_said(_PROBLEMS[reason], found) for reason in found.reasons]


def sentences(found: Round) -> Sequence[str]:
    """Every reason of a round, for whoever asks; before its time those that are not a matter of time."""
    early = Reason.NOT_DUE in found.reasons
    return [
        _CHOICES.get(reason) or _said(_PROBLEMS[reason], found).text
        for reason in found.reasons
        if reason in _CHOICES or not early
    ]


def _said(problem: Problem, found: Round) -> Problem:
    return problem.said(
        what=_WHAT[found.kind],
        day=found.day,
        session=found.session,
        expected=found.expected,
        named=found.named,
        detail=found.detail,
    )
