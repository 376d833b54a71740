"""The school's directory as people and gates change it: students, cards, closures, schedule, texts."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError
from sqlalchemy import Connection

from attendance.clock import rfc3339
from attendance.domain import wire
from attendance.domain.directory import Card, Closure
from attendance.domain.enrolment import Enrolment
from attendance.errors import BadInput
from attendance.fleet.store import dead_letters, entries, people, photos, schools, stale_days
from attendance.fleet.store.entries import Entry

Document = Literal["schedule", "texts"]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What a list of students brought."""

    added: int
    changed: int


def students(conn: Connection, school_id: str) -> list[wire.Student]:
    """All who are at the school, by name."""
    found = [wire.Student.model_validate(body) for body in entries.of_kind(conn, school_id, "student").values()]
    return sorted(found, key=lambda student: (student.name, student.student_id))


def enrol(conn: Connection, school_id: str, enrolments: Iterable[Enrolment], now: datetime) -> Enrolled:
    """Take students from a list of the school, by their numbers; those who left are there again.

    Raises:
        BadInput: an entry cannot be used; the message says which number and why.
    """
    schools.wait_for_directory(conn, school_id)
    given = {each.student_id: each for each in enrolments}
    known = people.by_number(conn, school_id, given)
    changed = []
    for student_id, each in given.items():
        student_key = known.get(student_id) or secrets.token_hex(16)
        student = _student(student_key, each)
        if student_id not in known:
            people.welcome_back(conn, school_id, student_id)
            people.add(conn, school_id, student_key, student_id)
        people.set_removed(conn, school_id, student_key, None)
        changed.append(_of_student(student))
    written = entries.put(conn, school_id, changed, now)
    added = len(given) - len(known)
    return Enrolled(added, written - added)


def add(conn: Connection, school_id: str, student: wire.Student, now: datetime) -> None:
    """Take over a student whose number and key are new, as a gate has them; one who left only for their past scans."""
    people.add(conn, school_id, student.student_key, student.student_id)
    if student.removed:
        people.set_removed(conn, school_id, student.student_key, now)
    else:
        entries.put(conn, school_id, [_of_student(student)], now)


def remove(conn: Connection, school_id: str, student_ids: Iterable[str], now: datetime) -> int:
    """Take students who left out of the directory; what is recorded of them stays. How many there were."""
    schools.wait_for_directory(conn, school_id)
    known = people.by_number(conn, school_id, student_ids)
    for student_key in known.values():
        people.set_removed(conn, school_id, student_key, now)
    return entries.put(conn, school_id, [Entry("student", key, None) for key in known.values()], now)


def erase(conn: Connection, school_id: str, student_id: str, now: datetime) -> bool:
    """Forget a person, here and at every gate; whether there is one of that number."""
    student_key = people.by_number(conn, school_id, [student_id]).get(student_id)
    return student_key is not None and erase_key(conn, school_id, student_key, now)


def erase_key(conn: Connection, school_id: str, alias: str, now: datetime) -> bool:
    """Forget whoever a key stands for; ``False``: that was done already.

    What comes later under any of their keys is taken without what tells who it was.
    """
    schools.wait_for_directory(conn, school_id)
    if people.erased_keys(conn, school_id, [alias]):
        return False
    student_key = people.by_alias(conn, school_id, [alias]).get(alias)
    keys = [alias] if student_key is None else people.keys_of(conn, school_id, student_key)
    stale_days.forget_person(conn, school_id, student_key, keys)
    if student_key is not None:
        student_id = people.number_of(conn, school_id, student_key)
        entries.put(conn, school_id, _without(conn, school_id, student_key, student_id, keys), now)
        people.note_erased(conn, school_id, keys, student_id, now)
        people.forget(conn, school_id, student_key)
    else:
        people.note_erased(conn, school_id, keys, None, now)
    photos.forget(conn, school_id, keys)
    dead_letters.forget(conn, school_id, keys)
    return True


def met_again(conn: Connection, school_id: str, alias: str, student_id: str, now: datetime) -> bool:
    """Whether a student whom a gate brings asked to be forgotten; that gate is told to forget them too."""
    keys = people.erased_as(conn, school_id, student_id)
    if not keys:
        return False
    stale_days.forget_person(conn, school_id, None, [alias])
    people.note_erased(conn, school_id, [alias], student_id, now)
    entries.put(conn, school_id, [_erasure(keys[0], sorted({*keys, alias}), student_id)], now)
    return True


def put_card(conn: Connection, school_id: str, card: Card, now: datetime) -> bool:
    """Enter a card, or what has become of it; whether that changed anything.

    Raises:
        BadInput: no such student.
    """
    if card.student_id is not None and card.student_id not in people.by_number(conn, school_id, [card.student_id]):
        raise BadInput(f"There is no student with the number {card.student_id!r} at this school.")
    return bool(entries.put(conn, school_id, [Entry("card", _card_key(card), card.model_dump())], now))


def revoke_card(
    conn: Connection, school_id: str, kind: str, value: str, issue: int, reason: str, now: datetime
) -> None:
    """Call a card back, also one that is not in the directory: a gate may know it.

    Raises:
        BadInput: there cannot be such a card.
    """
    try:
        wanted = Card.model_validate(
            {"kind": kind, "value": value, "issue": issue, "issued_at": rfc3339(now), "reason": reason}
        )
    except ValidationError as error:
        raise BadInput(f"There is no such card: {error.errors(include_input=False)[0]['msg']}.") from error
    there = entries.get(conn, school_id, "card", _card_key(wanted))
    body = {**(there or wanted.model_dump()), "revoked_at": rfc3339(now), "reason": reason}
    entries.put(conn, school_id, [Entry("card", _card_key(wanted), body)], now)


def cards(conn: Connection, school_id: str) -> list[Card]:
    return [Card.model_validate(body) for body in entries.of_kind(conn, school_id, "card").values()]


def put_closure(conn: Connection, school_id: str, closure: Closure, now: datetime) -> str:
    """Enter days without classes; the key. The same span again replaces its kind and name."""
    key = f"{closure.first_day}/{closure.last_day}/{closure.session}"
    entries.put(conn, school_id, [Entry("closure", key, closure.model_dump())], now)
    return key


def remove_closure(conn: Connection, school_id: str, key: str, now: datetime) -> bool:
    """Take days without classes out; whether they were there."""
    if entries.get(conn, school_id, "closure", key) is None:
        return False
    return bool(entries.put(conn, school_id, [Entry("closure", key, None)], now))


def closures(conn: Connection, school_id: str) -> dict[str, Closure]:
    """By key, in the order of their days."""
    found = entries.of_kind(conn, school_id, "closure")
    return {key: Closure.model_validate(found[key]) for key in sorted(found)}


def put_document(conn: Connection, school_id: str, kind: Document, body: Mapping[str, Any], now: datetime) -> bool:
    """Set what replaces a section of each gate's settings; whether that changed anything. The gates judge it."""
    return bool(entries.put(conn, school_id, [Entry(kind, kind, body)], now))


def document(conn: Connection, school_id: str, kind: Document) -> dict[str, Any] | None:
    return entries.get(conn, school_id, kind, kind)


def _student(student_key: str, enrolment: Enrolment) -> wire.Student:
    try:
        return wire.Student(
            student_key=student_key,
            student_id=enrolment.student_id,
            name=enrolment.name,
            section=enrolment.section,
            grade=enrolment.grade,
            sex=enrolment.sex,  # type: ignore[arg-type]
            lrn=enrolment.lrn,
            allowed_session=enrolment.allowed_session,
            guardians=[wire.Guardian(phone=each.phone, name=each.name) for each in enrolment.guardians],
        )
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInput(f"The student {enrolment.student_id!r} cannot be taken: {where}: {first['msg']}.") from error


def _of_student(student: wire.Student) -> Entry:
    return Entry("student", student.student_key, student.model_dump(exclude={"type", "removed"}))


def _without(
    conn: Connection, school_id: str, student_key: str, student_id: str | None, keys: list[str]
) -> Iterable[Entry]:
    """What changes in the directory when a student is erased."""
    yield Entry("student", student_key, None)
    for key, card in entries.of_kind(conn, school_id, "card").items():
        if card["student_id"] == student_id:
            yield Entry("card", key, None)
    yield _erasure(student_key, keys, student_id)


def _erasure(student_key: str, keys: list[str], student_id: str | None) -> Entry:
    return Entry("erasure", student_key, {"student_key": student_key, "student_keys": keys, "student_id": student_id})


def _card_key(card: Card) -> str:
    return hashlib.sha256(f"{card.kind}\0{card.value}\0{card.issue}".encode()).hexdigest()[:32]
