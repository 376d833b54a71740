"""What guardians write back: STOP and START, or the school's own words. What else they write is never read."""

import logging
import sqlite3
from collections.abc import Iterable

from attendance.clock import Moment
from attendance.domain.answer import AnswerWords, Wish
from attendance.domain.message import MessageKind, masked
from attendance.domain.receipt import Report
from attendance.errors import BadInput
from attendance.kiosk.sms.texts import Texts
from attendance.kiosk.store import notices, preferences
from attendance.kiosk.store.notices import Notice

log = logging.getLogger(__name__)


class Answers:
    """Opts a number out of messages, or in again, and has each change confirmed once.

    Args:
        out, back_in: the words.
        region: country of senders that the phone reports without their country's code.

    Raises:
        BadInput: a word asks for both, or is none.
    """

    def __init__(self, texts: Texts, *, out: Iterable[str], back_in: Iterable[str], region: str) -> None:
        try:
            self.words = AnswerWords(out, back_in)
        except BadInput as error:
            raise BadInput(f"sms_notifications.opt_out_words and opt_in_words: {error}") from error
        self._texts = texts
        self._region = region

    def take(self, conn: sqlite3.Connection, report: Report, now: Moment) -> None:
        """Do what a report says that a guardian wishes, in the transaction that keeps the report.

        Numbers that nobody's guardian has change nothing and are answered nothing.
        """
        if report.wish is None:
            return
        phone = _international(report.phone, self._region)
        said_at = report.happened_at or now.at
        if now.trusted:
            said_at = min(said_at, now.at)  # a phone that is ahead must not outlive what is said later
        changed = preferences.answer(conn, phone, report.wish, said_at, now)
        if changed is None:
            return
        text = self._texts.answer(report.wish, changed.language).text
        notice = Notice(changed.student_key, changed.guardian_id, MessageKind.ANSWER, body=text)
        notices.queue(conn, notice, now)
        log.info(
            "%s %s", masked(phone), "wants no more messages" if report.wish is Wish.OUT else "wants messages again"
        )


def _international(sender: str, region: str) -> str:
    """The sender as E.164; empty if it is no number, such as a company's name."""
    if sender.startswith("+") and sender[1:].isdecimal():
        return sender
    import phonenumbers  # here: most phones report E.164, and its tables take megabytes

    try:
        number = phonenumbers.parse(sender, region)
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
