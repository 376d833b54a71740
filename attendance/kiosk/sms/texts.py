"""What a message says: the school's own template or the built-in one, filled, and as short as can be said honestly."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from attendance.domain import gsm
from attendance.domain.answer import Wish
from attendance.domain.gsm import Encoding
from attendance.domain.message import MessageKind
from attendance.domain.summary import Counts
from attendance.domain.template import Template, parse
from attendance.errors import BadInput
from attendance.kiosk.sms.wording import LANGUAGES, Wording

TEMPLATE_KEYS: Mapping[MessageKind, str] = {
    MessageKind.CHECK_IN: "login_message_template",
    MessageKind.CHECK_OUT: "logout_message_template",
    MessageKind.LATE_ARRIVAL: "late_arrival_template",
    MessageKind.LEFT_EARLY: "left_early_template",
    MessageKind.ABSENCE: "absence_alert_template",
    MessageKind.NO_CHECKOUT: "no_checkout_template",
    MessageKind.WEEKLY_SUMMARY: "weekly_summary_template",
    MessageKind.MONTHLY_SUMMARY: "monthly_summary_template",
}
"""Where in ``sms_notifications`` a school's own text of each kind stands."""
_SUMMARIES = {MessageKind.WEEKLY_SUMMARY, MessageKind.MONTHLY_SUMMARY}
_WHO = frozenset(["student_name", "student_id", "student_number", "section", "school_name"])
_NAMES = _WHO | {"session", "time", "date", "minutes_late", "status"}
_SUMMARY_NAMES = frozenset(["period", "days_present", "days_late", "days_absent", "class_days"])
_ANSWER_NAMES = frozenset(["school_name", "stop_word", "start_word"])
_NO_LINK = "this gate sends no links. Take it out, with the words around it."
_WITHOUT = {"attendance_link": _NO_LINK, "link": _NO_LINK}
_BUILT_IN_PARTS = 1
_OWN_PARTS = 5
"""Phones fail to send more (capcom6/android-sms-gateway, issue 270)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a message is about.

    Attributes:
        students: names; of several siblings in one message, all.
        at: local time of the school; of messages about a day, any time on it.
        student_ids, sections: in the order of ``students``; repeated ones are said once.
        session: name of the session, as configured.
        counts: of a summary, which must have them.
    """

    students: tuple[str, ...]
    at: datetime
    student_ids: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    session: str = ""
    minutes_late: int = 0
    counts: Counts | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A message as it is sent, and what it takes."""

    text: str
    encoding: Encoding
    parts: int


class Texts:
    """Composes messages.

    Args:
        language: the school's; of guardians who have chosen none.
        templates: the school's own; empty ones are left to the built-in.
        transliterate: whether characters that make a message dearer are replaced.
        stop_word, start_word: what a guardian is told to answer; empty: nothing is understood.

    Raises:
        BadInput: templates are faulty; the message names each by its key in the configuration.
    """

    def __init__(
        self,
        *,
        school_name: str,
        language: str = "en",
        templates: Mapping[MessageKind, str] | None = None,
        transliterate: bool = True,
        stop_word: str = "STOP",
        start_word: str = "START",
    ) -> None:
        self._school = _line(school_name)
        self._language = language
        self._transliterate = transliterate
        self._words = {"stop_word": stop_word, "start_word": start_word}
        self._built_in = {
            name: {kind: parse(text, _names(kind)) for kind, text in wording.texts.items()}
            for name, wording in LANGUAGES.items()
        }
        self._own = _parsed({kind: text for kind, text in (templates or {}).items() if text.strip()})
        faults = [_unsendable(kind, self.preview(kind).parts) for kind in self._own]
        if any(faults):
            raise BadInput("\n".join(filter(None, faults)))

    def compose(self, kind: MessageKind, facts: Facts, language: str = "") -> Text:
        """The message.

        Args:
            language: the guardian's; empty or unknown: the school's.
        """
        chosen = language if language in LANGUAGES else self._language
        wording = LANGUAGES[chosen]
        own = self._own.get(kind)
        values = _values(kind, facts, wording)
        if own is not None:
            return self._fitted(own, values, facts.students, wording, _OWN_PARTS)
        return self._fitted(self._built_in[chosen][kind], values, facts.students, wording, _BUILT_IN_PARTS)

    def answer(self, wish: Wish, language: str = "") -> Text:
        """What a guardian's STOP or START is answered with."""
        wording = LANGUAGES.get(language, LANGUAGES[self._language])
        if wish is Wish.OUT:
            text = wording.opted_out + wording.how_back * bool(self._words["start_word"])
        else:
            text = wording.opted_in + wording.how_out * bool(self._words["stop_word"])
        return self._fitted(parse(text, _ANSWER_NAMES), self._words, (), wording, _BUILT_IN_PARTS)

    def preview(self, kind: MessageKind, language: str = "") -> Text:
        """The message about a made-up student with a name of usual length; of answers, the one to STOP.

        Raises:
            BadInput: messages of this kind have no text of their own.
        """
        if kind is MessageKind.ANSWER:
            return self.answer(Wish.OUT, language)
        if kind not in TEMPLATE_KEYS:
            raise BadInput(f"A {kind} is written by a person, with `attendance sms send`: there is nothing to show.")
        return self.compose(kind, SAMPLE, language)

    def _fitted(
        self, template: Template, values: Mapping[str, str], students: tuple[str, ...], wording: Wording, parts: int
    ) -> Text:
        """In as many parts as allowed, or as few as shorter names achieve; nothing is cut that saves no part."""
        tried = []
        for names, school in _shorter(tuple(_line(name) for name in students), self._school):
            text = template.fill({**values, "student_name": _joined(names, wording.both), "school_name": school})
            made = self._text(text)
            tried.append(made)
            if made.parts <= parts:
                break
        return min(tried, key=lambda each: each.parts)

    def _text(self, text: str) -> Text:
        said = gsm.transliterate(text) if self._transliterate else text
        size = gsm.size(said)
        return Text(said, size.encoding, size.parts)


SAMPLE = Facts(
    students=("Maria Cristina S. Dela Cruz",),
    at=datetime.combine(date(2026, 6, 8), time(7, 22)),
    student_ids=("2026-0001",),
    sections=("7-Sampaguita",),
    session="morning",
    minutes_late=22,
    counts=Counts(date(2026, 6, 8), date(2026, 6, 12), present=4, late=1, absent=1, class_days=5),
)


def _parsed(templates: Mapping[MessageKind, str]) -> dict[MessageKind, Template]:
    found, faults = {}, []
    for kind, text in templates.items():
        try:
            found[kind] = parse(text, _names(kind), _WITHOUT)
        except BadInput as error:
            faults.append(f"sms_notifications.{TEMPLATE_KEYS[kind]}: {error}")
    if faults:
        raise BadInput("\n".join(faults))
    return found


def _unsendable(kind: MessageKind, parts: int) -> str:
    """What is wrong with the length of a text; empty if nothing is."""
    key = f"sms_notifications.{TEMPLATE_KEYS[kind]}"
    if parts > _OWN_PARTS:
        most = f"phones fail to send more than {_OWN_PARTS}"
        return f"{key}: it makes {parts} message parts, and {most}. Write a shorter text."
    return "" if parts else f"{key}: nothing of it can be said in an SMS. Write words, or leave it empty."


def _names(kind: MessageKind) -> frozenset[str]:
    return _NAMES | _SUMMARY_NAMES if kind in _SUMMARIES else _NAMES


def _values(kind: MessageKind, facts: Facts, wording: Wording) -> dict[str, str]:
    """What every placeholder but the names of students and school stands for."""
    numbers = ", ".join(dict.fromkeys(facts.student_ids))
    values = {
        "student_id": numbers,
        "student_number": numbers,
        "section": ", ".join(dict.fromkeys(section for section in facts.sections if section)),
        "session": wording.sessions.get(facts.session, facts.session.replace("_", " ")),
        "time": _clock(facts.at),
        "date": _day(facts.at.date(), wording),
        "minutes_late": str(facts.minutes_late),
        "status": wording.statuses.get(kind, ""),
    }
    counts = facts.counts
    if counts is None:
        return values
    return values | {
        "period": f"{_day(counts.first, wording)}-{_day(counts.last, wording)}",
        "days_present": str(counts.present),
        "days_late": str(counts.late),
        "days_absent": str(counts.absent),
        "class_days": str(counts.class_days),
    }


def _shorter(names: tuple[str, ...], school: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Names and school whole, then with ever fewer words. The school comes last: with it a message is believed."""
    most = max([1, *(len(name.split()) for name in names)])
    for words in range(most, 0, -1):
        yield tuple(_shortened_name(name, words) for name in names), school
    for words in range(len(school.split()) - 1, 0, -1):
        yield tuple(_shortened_name(name, 1) for name in names), _shortened(school, words)


def _shortened_name(name: str, words: int) -> str:
    """As ``_shortened``, beginning with what tells a child from its siblings: a family name that stands first, before
    a comma, goes last."""
    if len(name.split()) <= words:
        return name
    family, _, given = name.partition(",")
    return _shortened(f"{given} {family}" if family.strip() and given.strip() else name, words)


def _shortened(text: str, words: int) -> str:
    """The first ``words`` words; an ellipsis says that there are more."""
    every = text.split()
    return text if len(every) <= words else " ".join(every[:words]).rstrip(",;.-") + "..."


def _joined(names: tuple[str, ...], both: str) -> str:
    return both.join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _line(text: str) -> str:
    return " ".join(text.split())


def _clock(at: datetime) -> str:
    """As ``7:05 AM``, in whatever language the machine runs."""
    return f"{at.hour % 12 or 12}:{at.minute:02} {'AM' if at.hour < 12 else 'PM'}"


def _day(day: date, wording: Wording) -> str:
    return f"{wording.months[day.month - 1]} {day.day}"
