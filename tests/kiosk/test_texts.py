"""A guardian gets a whole, plain sentence of one part, in their language, or the school's own words."""

from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.answer import Wish
from attendance.domain.gsm import Encoding
from attendance.domain.message import MessageKind
from attendance.domain.summary import Counts
from attendance.errors import BadInput
from attendance.kiosk.sms.texts import TEMPLATE_KEYS, Facts, Texts
from attendance.kiosk.sms.wording import LANGUAGES

SCHOOL = "Malolos National High School 1"
LONG = ("Maria Cristina Concepcion Dela Peña-Villanueva", "José Emmanuel Bartolome Dela Peña-Villanueva")
ANA = Facts(
    ("Ana Cruz",),
    datetime.fromisoformat("2026-06-08 07:05"),
    ("2026-0001",),
    ("7-Rizal",),
    "morning",
    5,
    Counts(date(2026, 6, 8), date(2026, 6, 12), 4, 1, 1, 5),
)
KINDS = list(TEMPLATE_KEYS)


def texts(**given: object) -> Texts:
    return Texts(**{"school_name": SCHOOL, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_built_in_text_is_one_part(kind: MessageKind, language: str) -> None:
    """With a school name of 30 characters, two siblings with long names, and the longest numbers."""
    assert len(SCHOOL) == 30
    siblings = replace(
        ANA,
        students=LONG,
        at=datetime.fromisoformat("2026-11-28 12:59"),
        session="afternoon",
        minutes_late=120,
        counts=Counts(date(2026, 11, 2), date(2026, 11, 30), 18, 12, 13, 21),
    )
    text = texts().compose(kind, siblings, language)
    assert (text.encoding, text.parts) == (Encoding.GSM_7, 1)
    assert "Maria" in text.text
    assert "José" in text.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_one_child_with_a_long_name_is_called_by_it(kind: MessageKind, language: str) -> None:
    """Nothing is shortened that needs no shortening."""
    text = texts().compose(kind, replace(ANA, students=LONG[:1]), language)
    assert LONG[0] in text.text
    assert SCHOOL in text.text
    assert text.parts == 1


@pytest.mark.parametrize(
    ("kind", "language", "said"),
    [
        ("check_in", "en", "S: Ana Cruz arrived at 7:05 AM, Jun 8."),
        ("check_out", "en", "S: Ana Cruz left at 7:05 AM, Jun 8."),
        ("late_arrival", "en", "S: Ana Cruz arrived at 7:05 AM, 5 min late."),
        ("left_early", "en", "S: Ana Cruz left early at 7:05 AM, Jun 8."),
        ("absence", "en", "S: no arrival of Ana Cruz was recorded on Jun 8 (morning)."),
        ("no_checkout", "en", "S: no departure of Ana Cruz was recorded on Jun 8 (morning)."),
        ("weekly_summary", "en", "S: Ana Cruz, Jun 8-Jun 12: present 4, late 1, absent 1 of 5 class days."),
        ("monthly_summary", "fil", "S: Ana Cruz, Hun 8-Hun 12: pumasok 4, huli 1, lumiban 1 sa 5 araw ng klase."),
        ("check_in", "fil", "S: Ana Cruz, pumasok nang 7:05 AM, Hun 8."),
        ("absence", "fil", "S: Ana Cruz, walang naitalang pagpasok, Hun 8 (umaga)."),
    ],
)
def test_what_is_said(kind: str, language: str, said: str) -> None:
    """Who, what and when, with the school first, since that is who speaks."""
    assert texts(school_name="S").compose(MessageKind(kind), ANA, language).text == said


def test_a_guardian_without_a_language_reads_the_school_s() -> None:
    """Also one whose language is not spoken here."""
    filipino = texts(language="fil")
    assert filipino.compose(MessageKind.CHECK_IN, ANA) == filipino.compose(MessageKind.CHECK_IN, ANA, "fil")
    assert filipino.compose(MessageKind.CHECK_IN, ANA, "xx") == filipino.compose(MessageKind.CHECK_IN, ANA, "fil")
    assert "arrived" in filipino.compose(MessageKind.CHECK_IN, ANA, "en").text


@pytest.mark.parametrize(
    ("hour", "said"), [(0, "12:05 AM"), (9, "9:05 AM"), (12, "12:05 PM"), (13, "1:05 PM"), (23, "11:05 PM")]
)
def test_times_are_said_as_people_say_them(hour: int, said: str) -> None:
    """Midnight and noon are twelve."""
    at = replace(ANA, at=datetime.fromisoformat(f"2026-06-08 {hour:02}:05"))
    assert f"at {said}," in texts().compose(MessageKind.CHECK_IN, at).text


def test_the_school_s_own_text_wins_in_every_language() -> None:
    """With every placeholder of the earlier system that still has a meaning."""
    own = "{student_name} {{student_id}} {student_number} {section} {date} {time} {status} {minutes_late} {school_name}"
    made = texts(school_name="S", templates={MessageKind.LATE_ARRIVAL: own})
    said = "Ana Cruz 2026-0001 2026-0001 7-Rizal Jun 8 7:05 AM late 5 S"
    assert made.compose(MessageKind.LATE_ARRIVAL, ANA).text == said
    assert made.compose(MessageKind.LATE_ARRIVAL, ANA, "fil").text == said.replace("Jun", "Hun").replace("late", "huli")
    assert "arrived" in made.compose(MessageKind.CHECK_IN, ANA).text


def test_an_empty_template_is_none() -> None:
    """The configuration's empty default leaves the built-in text."""
    made = texts(templates={MessageKind.CHECK_IN: " "})
    assert made.compose(MessageKind.CHECK_IN, ANA) == texts().compose(MessageKind.CHECK_IN, ANA)


def test_all_faulty_templates_are_told_at_once() -> None:
    """Each by its key in the configuration."""
    with pytest.raises(BadInput) as raised:
        texts(
            templates={
                MessageKind.CHECK_IN: "{studentname}",
                MessageKind.CHECK_OUT: "{attendance_link}",
                MessageKind.ABSENCE: "{days_absent}",
                MessageKind.WEEKLY_SUMMARY: "{days_absent}",
            }
        )
    faults = str(raised.value).splitlines()
    assert [fault.split(":")[0] for fault in faults] == [
        "sms_notifications.login_message_template",
        "sms_notifications.logout_message_template",
        "sms_notifications.absence_alert_template",
    ]
    assert "did you mean {student_name}?" in faults[0]
    assert "no links" in faults[1]


def test_an_own_text_may_have_several_parts() -> None:
    """The school decides; a name is not shortened for it."""
    made = texts(templates={MessageKind.CHECK_IN: "Dear parent, " + "we write to you. " * 15 + "{student_name}"})
    text = made.compose(MessageKind.CHECK_IN, replace(ANA, students=LONG))
    assert text.parts == 3
    assert text.text.endswith(f"{LONG[0]} and {LONG[1]}")


@pytest.mark.parametrize(
    ("names", "called"),
    [
        (("DELA CRUZ, JUAN MIGUEL SANTOS", "DELA CRUZ, MARIA CRISTINA SANTOS"), "JUAN MIGUEL... and MARIA CRISTINA..."),
        (("Juan Miguel Dela Cruz", "Maria Cristina Dela Cruz"), "Juan Miguel... and Maria Cristina..."),
        (("Santos,", "Cruz, "), "Santos, and Cruz,"),
    ],
)
def test_siblings_are_told_apart_however_short_their_names_get(names: tuple[str, ...], called: str) -> None:
    """Lists of schools have the family name first: two children called DELA CRUZ... would be nobody."""
    long_school = texts(school_name="Bagong Pag-asa Integrated National High School - Annex II")
    text = long_school.compose(MessageKind.MONTHLY_SUMMARY, replace(ANA, students=names))
    assert called in text.text
    assert text.parts == 1


def test_what_cannot_be_one_part_is_as_few_as_possible() -> None:
    """In an alphabet of 70 characters a part, five siblings with long names: shorter names save parts."""
    names = tuple(f"李 Concepcion Bartolome Villanueva {number}" for number in range(5))
    text = texts().compose(MessageKind.WEEKLY_SUMMARY, replace(ANA, students=names))
    assert (text.encoding, text.parts) == (Encoding.UCS_2, 2)


def test_a_template_that_no_phone_can_send_is_refused() -> None:
    """When it is read, not when the first parent should get it."""
    with pytest.raises(BadInput, match=r"absence_alert_template: it makes 6 message parts"):
        texts(templates={MessageKind.ABSENCE: "x" * 800, MessageKind.CHECK_IN: "{student_name}"})


def test_a_template_of_which_nothing_is_left_is_refused() -> None:
    """An emoji alone goes when characters become plain."""
    with pytest.raises(BadInput, match=r"login_message_template: nothing of it"):
        texts(templates={MessageKind.CHECK_IN: "✅ 🎒"})
    assert (
        texts(templates={MessageKind.CHECK_IN: "✅ 🎒"}, transliterate=False).preview(MessageKind.CHECK_IN).parts == 1
    )


def test_a_message_about_nobody_is_a_sentence_all_the_same() -> None:
    """Rather than an empty text, which a gateway would refuse for ever."""
    assert texts(school_name="S").compose(MessageKind.CHECK_IN, replace(ANA, students=("",))).parts == 1


def test_plain_characters_only_on_request() -> None:
    """An emoji in the school's text makes it UCS-2 unless it is taken out."""
    own = {MessageKind.CHECK_IN: "✅ {student_name} – “in”"}
    plain = texts(templates=own).compose(MessageKind.CHECK_IN, ANA)
    assert (plain.text, plain.encoding) == ('Ana Cruz - "in"', Encoding.GSM_7)
    dear = texts(templates=own, transliterate=False).compose(MessageKind.CHECK_IN, ANA)
    assert (dear.text, dear.encoding) == ("✅ Ana Cruz – “in”", Encoding.UCS_2)


def test_a_preview_shows_length_and_parts() -> None:
    """Of a made-up student."""
    preview = texts().preview(MessageKind.ABSENCE, "fil")
    assert preview.parts == 1
    assert "Maria" in preview.text


def test_what_has_no_template_is_shown_or_refused() -> None:
    """The answer to STOP has a built-in text, what the office writes has none."""
    made = texts(school_name="S")
    assert made.preview(MessageKind.ANSWER) == made.answer(Wish.OUT)
    with pytest.raises(BadInput, match="sms send"):
        made.preview(MessageKind.NOTICE)


def test_answers_are_confirmed_in_the_guardian_s_language() -> None:
    """And say which word turns it round again."""
    made = texts(stop_word="HINTO", start_word="SIMULA")
    for language in LANGUAGES:
        out, back_in = made.answer(Wish.OUT, language), made.answer(Wish.IN, language)
        assert "SIMULA" in out.text
        assert "HINTO" in back_in.text
        assert out.parts == back_in.parts == 1


def test_without_a_word_none_is_named() -> None:
    """A school that lets nobody come back by SMS does not tell of it."""
    made = texts(school_name="S", start_word="")
    assert made.answer(Wish.OUT).text == "S: you get no more messages from us."


def test_a_session_is_said_in_words() -> None:
    """Not as the configuration writes it."""
    night = replace(ANA, session="night_school")
    assert texts(school_name="S").compose(MessageKind.ABSENCE, night).text.endswith("on Jun 8 (night school).")


def test_several_siblings_are_joined() -> None:
    """With commas, and one word before the last."""
    three = replace(ANA, students=("Ana", "Ben", "Carla"))
    assert "Ana, Ben and Carla arrived" in texts().compose(MessageKind.CHECK_IN, three).text
    assert "Ana, Ben at Carla, pumasok" in texts().compose(MessageKind.CHECK_IN, three, "fil").text


@given(
    st.lists(st.text(st.sampled_from("Ana Dela-{}ñ李😀,."), min_size=1, max_size=150), min_size=1, max_size=4),
    st.sampled_from(KINDS),
    st.sampled_from([*LANGUAGES, ""]),
)
def test_names_are_whole_or_end_in_an_ellipsis(names: list[str], kind: MessageKind, language: str) -> None:
    """Whatever the names: the numbers stay, and a name that is shortened says so."""
    made = texts(transliterate=False)
    text = made.compose(kind, replace(ANA, students=tuple(names)), language)
    for name in names:
        words = name.split()
        whole = " ".join(words)
        family, _, given = whole.partition(",")
        called = [*given.split(), *family.split()] if given.strip() and family.strip() else words
        cuts = {" ".join(called[:count]).rstrip(",;.-") + "..." for count in range(1, len(called))}
        assert whole in text.text or any(cut in text.text for cut in cuts)
    for number in ("7:05 AM",) if kind in (MessageKind.CHECK_IN, MessageKind.CHECK_OUT) else ():
        assert number in text.text
