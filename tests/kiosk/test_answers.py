"""STOP ends messages to a number, START begins them again, each is confirmed once, and nothing else is read."""

import json
from datetime import timedelta
from typing import Any

import pytest
from report_desk import NOON, Desk, post

from attendance.domain.answer import Wish
from attendance.domain.message import MessageKind
from attendance.errors import BadInput
from attendance.kiosk.sms.answers import Answers
from attendance.kiosk.sms.texts import Texts
from attendance.kiosk.store import preferences, roster
from attendance.kiosk.store.database import reading, writing
from attendance.kiosk.web.webhook import SMSWebhookReceiver

PHONE = "+639171234567"


def answers() -> Answers:
    return Answers(Texts(school_name="S"), out=["STOP", "HINTO"], back_in=["START"], region="PH")


@pytest.fixture
def receiver(desk: Desk) -> SMSWebhookReceiver:
    return desk.started(answers=answers())


def received(message: object, event_id: str = "e1", sender: object = PHONE, **more: Any) -> bytes:
    payload = {"message": message, "sender": sender, "messageId": "x", **more}
    return json.dumps({"deviceId": "d", "event": "sms:received", "id": event_id, "payload": payload}).encode()


def opted_out(desk: Desk) -> list[bool]:
    return [row[0] is not None for row in desk.rows("SELECT opted_out_at FROM guardians ORDER BY guardian_id")]


def confirmations(desk: Desk) -> list[str]:
    return [row[0] for row in desk.rows("SELECT body FROM sms_outbox WHERE kind = 'answer' ORDER BY rowid")]


def enrol(desk: Desk, number: str, *phones: str) -> None:
    with writing(desk.database) as conn:
        people = [roster.Guardian(phone) for phone in phones]
        roster.enrol(conn, roster.Enrolment(number, f"Child {number}", guardians=people), desk.clock.now())


@pytest.mark.parametrize("word", ["STOP", "stop.", " Hinto! "])
def test_a_guardian_opts_out_in_every_enrolment(desk: Desk, receiver: SMSWebhookReceiver, word: str) -> None:
    """One word is enough for all children; other guardians go on getting messages."""
    enrol(desk, "S-8", PHONE, "+639170000001")
    assert post(receiver, received(word))[0] == 200
    assert opted_out(desk) == [True, True, False]
    assert confirmations(desk) == ["S: you get no more messages from us. Answer START to get them again."]


def test_start_turns_it_round(desk: Desk, receiver: SMSWebhookReceiver) -> None:
    """And is confirmed too."""
    post(receiver, received("STOP", "e1", receivedAt="2026-06-08T11:00:00+08:00"))
    post(receiver, received("START", "e2", receivedAt="2026-06-08T11:01:00+08:00"))
    assert opted_out(desk) == [False]
    assert [text.split(".")[0] for text in confirmations(desk)] == [
        "S: you get no more messages from us",
        "S: you get our messages again",
    ]


def test_each_is_confirmed_once(desk: Desk, receiver: SMSWebhookReceiver) -> None:
    """The event that the phone repeats, and the guardian who says it twice, change nothing any more."""
    for event_id in ("e1", "e1", "e2"):
        post(receiver, received("STOP", event_id))
        desk.clock.advance(1)
    assert len(confirmations(desk)) == 1


def test_who_is_in_says_start_for_nothing(desk: Desk, receiver: SMSWebhookReceiver) -> None:
    """No message: nothing has changed."""
    post(receiver, received("START"))
    assert confirmations(desk) == []


def test_an_older_word_that_comes_late_changes_nothing(desk: Desk, receiver: SMSWebhookReceiver) -> None:
    """The phone repeats for two days, in any order; what was written last counts."""
    post(receiver, received("STOP", "e2", receivedAt="2026-06-08T11:01:00+08:00"))
    post(receiver, received("START", "e1", receivedAt="2026-06-08T11:00:00+08:00"))
    assert opted_out(desk) == [True]


def test_a_phone_that_is_ahead_does_not_have_the_last_word(desk: Desk, receiver: SMSWebhookReceiver) -> None:
    """Its STOP of next year does not stand against a START of tomorrow."""
    post(receiver, received("STOP", "e1", receivedAt="2027-06-08T11:00:00+08:00"))
    desk.clock.advance(86_400)
    post(receiver, received("START", "e2", receivedAt="2026-06-09T11:00:00+08:00"))
    assert opted_out(desk) == [False]


@pytest.mark.parametrize("sender", ["+639179999999", "SMART", "", None, 7, "x" * 100])
def test_strangers_are_ignored(desk: Desk, receiver: SMSWebhookReceiver, sender: object) -> None:
    """Their message is taken, so that the phone does not repeat it, and answered nothing."""
    assert post(receiver, received("STOP", sender=sender))[0] == 200
    assert opted_out(desk) == [False]
    assert confirmations(desk) == []


@pytest.mark.parametrize("sender", ["09171234567", "639171234567", "0917-123-4567"])
def test_a_number_in_the_country_s_own_form_is_known(desk: Desk, receiver: SMSWebhookReceiver, sender: str) -> None:
    """Networks write senders in several ways; older apps have them under another key."""
    post(receiver, received("STOP", sender=None, phoneNumber=sender))
    assert opted_out(desk) == [True]


@pytest.mark.parametrize("message", ["My secret words, please stop", None, 5, ["STOP"], "", "STOP IT"])
def test_nothing_else_is_read_or_kept(desk: Desk, receiver: SMSWebhookReceiver, message: object) -> None:
    """What a guardian writes is in no table, and neither is the number that wrote it."""
    assert post(receiver, received(message, sender="+639175555555"))[0] == 200
    assert opted_out(desk) == [False]
    kept = b"".join(path.read_bytes() for path in desk.folder.iterdir() if path.is_file())
    assert b"secret" not in kept
    assert b"+639175555555" not in kept


def test_logs_hold_no_number(desk: Desk, receiver: SMSWebhookReceiver, caplog: pytest.LogCaptureFixture) -> None:
    """Only its first and last digits."""
    caplog.set_level("INFO")
    post(receiver, received("STOP"))
    assert "wants no more messages" in caplog.text
    assert PHONE not in caplog.text
    assert "1234567" not in caplog.text


def test_without_answers_nothing_of_it_is_read(desk: Desk) -> None:
    """A receiver that is made as documented keeps the event only."""
    assert post(desk.started(), received("STOP"))[0] == 200
    assert opted_out(desk) == [False]


def test_a_child_enrolled_later_is_covered(desk: Desk, receiver: SMSWebhookReceiver) -> None:
    """The number's wish and language hold for every enrolment; an import changes neither."""
    post(receiver, received("STOP"))
    with writing(desk.database) as conn:
        preferences.speak(conn, "S-7", PHONE, "fil")
    enrol(desk, "S-8", PHONE)
    enrol(desk, "S-7", PHONE)
    assert opted_out(desk) == [True, True]
    assert desk.rows("SELECT DISTINCT language FROM guardians") == [("fil",)]


def test_a_child_enrolled_after_a_start_is_told(desk: Desk, receiver: SMSWebhookReceiver) -> None:
    """Whoever came back is back for all."""
    post(receiver, received("STOP", "e1"))
    desk.clock.advance(60)
    post(receiver, received("START", "e2"))
    enrol(desk, "S-8", PHONE)
    assert opted_out(desk) == [False, False]


def test_a_repeated_event_is_not_a_new_wish(desk: Desk, receiver: SMSWebhookReceiver) -> None:
    """An old STOP that the phone sends again after a START, and that does not say when it was written."""
    for event_id, word in (("e1", "STOP"), ("e2", "START"), ("e1", "STOP")):
        post(receiver, received(word, event_id))
        desk.clock.advance(60)
    assert opted_out(desk) == [False]
    assert len(confirmations(desk)) == 2


def test_the_office_sets_and_shows(desk: Desk) -> None:
    """Kinds for one child, the rest for the number; numbers that are not theirs are refused."""
    enrol(desk, "S-8", PHONE)
    with writing(desk.database) as conn:
        preferences.mute(conn, "S-7", PHONE, [MessageKind.CHECK_OUT, MessageKind.CHECK_IN])
        preferences.opt(conn, "S-7", PHONE, Wish.OUT, desk.clock.now())
        with pytest.raises(BadInput, match="no guardian with that number"):
            preferences.mute(conn, "S-7", "+639170000001", [])
    with reading(desk.database) as conn:
        [first], [second] = preferences.of_student(conn, "S-7"), preferences.of_student(conn, "S-8")
    assert first.muted == {"check_in", "check_out"}
    assert second.muted == frozenset()
    assert first.opted_out_at == second.opted_out_at == "2026-06-08T04:00:00.000000Z"
    assert confirmations(desk) == []


def test_a_wrong_clock_in_the_office_does_not_outlive_what_a_guardian_says(
    desk: Desk, receiver: SMSWebhookReceiver
) -> None:
    """Entered while the gate took it for next year."""
    desk.clock.trusted = False
    desk.clock.step(365 * 86_400)
    with writing(desk.database) as conn:
        preferences.opt(conn, "S-7", PHONE, Wish.IN, desk.clock.now())
    desk.clock.step(-365 * 86_400)
    desk.clock.trusted = True
    post(receiver, received("STOP", receivedAt=NOON.isoformat()))
    assert opted_out(desk) == [True]


def test_what_the_office_entered_later_stands(desk: Desk, receiver: SMSWebhookReceiver) -> None:
    """A STOP of yesterday that arrives today does not undo it."""
    with writing(desk.database) as conn:
        preferences.opt(conn, "S-7", PHONE, Wish.IN, desk.clock.now())
    post(receiver, received("STOP", receivedAt=(NOON - timedelta(days=1)).isoformat()))
    assert opted_out(desk) == [False]


def test_faulty_words_are_named_with_their_keys() -> None:
    """A person must find them in the configuration."""
    with pytest.raises(BadInput, match=r"sms_notifications\.opt_out_words and opt_in_words: 'stop' would both"):
        Answers(Texts(school_name="S"), out=["STOP"], back_in=["stop"], region="PH")
