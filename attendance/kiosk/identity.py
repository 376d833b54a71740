"""Whose card is this: from a payload's bytes to a student, or to the reason why not."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from attendance.domain import card as cards
from attendance.domain.scan import Refusal, Refused
from attendance.domain.student import Student
from attendance.kiosk.store import roster
from attendance.kiosk.store.ledger import CardUsed

_UNKNOWN = Refused(Refusal.UNKNOWN_CARD, "This card is not known here. See the office.")
_REVOKED = Refused(Refusal.REVOKED_CARD, "This card was called back. Get your new one at the office.")
_FORGED = Refused(Refusal.FORGED_CARD, "This card is not genuine. See the office.")
_UNSIGNED = Refused(Refusal.UNSIGNED_CARD, "This card is out of date. Get a new one at the office.")


@dataclass(frozen=True, slots=True)
class Holder:
    """The student that a card stands for; ``used`` is what the ledger notes of the card."""

    student: Student
    used: CardUsed


@dataclass(frozen=True, slots=True)
class CardRules:
    """What the school accepts.

    Attributes:
        keys: signing keys, id to secret.
        require_signature: plain student numbers are refused. Registered payloads and RFID cards stay valid.
    """

    keys: Mapping[str, bytes]
    require_signature: bool


def identify(conn: sqlite3.Connection, payload: bytes, source: str, rules: CardRules) -> Holder | Refused:
    """Whose card ``payload`` is; reads only.

    Args:
        source: ``camera`` or ``reader``. Only a reader's text can be an RFID UID: a printed UID is no card.
    """
    read = cards.read(payload, rules.keys)
    registered = roster.card(conn, "payload", read.text)
    if registered is None and source == "reader":
        registered = roster.card(conn, "rfid", read.text.upper())
    if registered is not None:
        return _held(conn, registered, CardUsed(read.issue, read.genuine))
    if read.signed and not read.genuine:
        return _FORGED if read.number else _UNKNOWN
    if not read.number:
        return _UNKNOWN
    numbered = roster.card(conn, "number", read.number, read.issue)
    if numbered is not None and numbered.revoked:
        return _REVOKED
    student = roster.by_number(conn, read.number)
    if student is None and numbered is not None and numbered.student_key is not None:
        student = roster.by_key(conn, numbered.student_key)
    if student is None:
        return _UNKNOWN
    if rules.require_signature and not read.signed:
        return _UNSIGNED
    return Holder(student, CardUsed(read.issue, read.genuine))


def _held(conn: sqlite3.Connection, registered: roster.Card, used: CardUsed) -> Holder | Refused:
    if registered.revoked:
        return _REVOKED
    student = roster.by_key(conn, registered.student_key) if registered.student_key else None
    return Holder(student, used) if student else _UNKNOWN
