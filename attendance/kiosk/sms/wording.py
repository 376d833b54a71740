"""The built-in words of messages, in each language that a guardian can choose.

Each text is made to fit one part with a long name and a long school name; see ``texts`` for what happens when it does
not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from attendance.domain.message import MessageKind


@dataclass(frozen=True, slots=True)
class Wording:
    """One language.

    Attributes:
        texts: a template for every kind of message but ``answer``.
        opted_out, opted_in: what a guardian's STOP and START are answered with.
        how_back, how_out: the sentence after it, if there is a word that turns it round.
        both: between the last two of several names.
        months: twelve, short.
        sessions: the usual names of sessions; others are said as configured.
        statuses: what a message is about, in a word.
    """

    texts: Mapping[MessageKind, str]
    opted_out: str
    how_back: str
    opted_in: str
    how_out: str
    both: str
    months: Sequence[str]
    sessions: Mapping[str, str]
    statuses: Mapping[MessageKind, str]


_ENGLISH = Wording(
    texts={
        MessageKind.CHECK_IN: "{school_name}: {student_name} arrived at {time}, {date}.",
        MessageKind.CHECK_OUT: "{school_name}: {student_name} left at {time}, {date}.",
        MessageKind.LATE_ARRIVAL: "{school_name}: {student_name} arrived at {time}, {minutes_late} min late.",
        MessageKind.LEFT_EARLY: "{school_name}: {student_name} left early at {time}, {date}.",
        MessageKind.ABSENCE: "{school_name}: no arrival of {student_name} was recorded on {date} ({session}).",
        MessageKind.NO_CHECKOUT: "{school_name}: no departure of {student_name} was recorded on {date} ({session}).",
        MessageKind.WEEKLY_SUMMARY: "{school_name}: {student_name}, {period}: present {days_present}, late {days_late},"
        " absent {days_absent} of {class_days} class days.",
        MessageKind.MONTHLY_SUMMARY: "{school_name}: {student_name}, {period}: present {days_present},"
        " late {days_late}, absent {days_absent} of {class_days} class days.",
    },
    opted_out="{school_name}: you get no more messages from us.",
    how_back=" Answer {start_word} to get them again.",
    opted_in="{school_name}: you get our messages again.",
    how_out=" Answer {stop_word} to end them.",
    both=" and ",
    months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    sessions={},
    statuses={
        MessageKind.CHECK_IN: "present",
        MessageKind.CHECK_OUT: "left",
        MessageKind.LATE_ARRIVAL: "late",
        MessageKind.LEFT_EARLY: "left early",
        MessageKind.ABSENCE: "absent",
        MessageKind.NO_CHECKOUT: "no departure",
    },
)
_FILIPINO = Wording(
    texts={
        MessageKind.CHECK_IN: "{school_name}: {student_name}, pumasok nang {time}, {date}.",
        MessageKind.CHECK_OUT: "{school_name}: {student_name}, lumabas nang {time}, {date}.",
        MessageKind.LATE_ARRIVAL: "{school_name}: {student_name}, pumasok nang {time}, huli nang {minutes_late} min.",
        MessageKind.LEFT_EARLY: "{school_name}: {student_name}, maagang lumabas nang {time}, {date}.",
        MessageKind.ABSENCE: "{school_name}: {student_name}, walang naitalang pagpasok, {date} ({session}).",
        MessageKind.NO_CHECKOUT: "{school_name}: {student_name}, walang naitalang paglabas, {date} ({session}).",
        MessageKind.WEEKLY_SUMMARY: "{school_name}: {student_name}, {period}: pumasok {days_present}, huli {days_late},"
        " lumiban {days_absent} sa {class_days} araw ng klase.",
        MessageKind.MONTHLY_SUMMARY: "{school_name}: {student_name}, {period}: pumasok {days_present},"
        " huli {days_late}, lumiban {days_absent} sa {class_days} araw ng klase.",
    },
    opted_out="{school_name}: hindi na kayo padadalhan ng mensahe.",
    how_back=" Sumagot ng {start_word} upang ibalik ito.",
    opted_in="{school_name}: padadalhan na muli kayo ng mensahe.",
    how_out=" Sumagot ng {stop_word} upang itigil ito.",
    both=" at ",
    months=("Ene", "Peb", "Mar", "Abr", "May", "Hun", "Hul", "Ago", "Set", "Okt", "Nob", "Dis"),
    sessions={"morning": "umaga", "afternoon": "hapon"},
    statuses={
        MessageKind.CHECK_IN: "pumasok",
        MessageKind.CHECK_OUT: "lumabas",
        MessageKind.LATE_ARRIVAL: "huli",
        MessageKind.LEFT_EARLY: "maagang lumabas",
        MessageKind.ABSENCE: "lumiban",
        MessageKind.NO_CHECKOUT: "walang paglabas",
    },
)
LANGUAGES: Mapping[str, Wording] = {"en": _ENGLISH, "fil": _FILIPINO}
