"""Taking in what belongs to no scan: refused cards, students whom a gate knows, and who asks to be forgotten."""

from functools import partial

from sqlalchemy import Connection

from attendance.domain.wire import Erasure, Refused, Student
from attendance.fleet import directory
from attendance.fleet.batch import CREATED, DUPLICATE, Batch
from attendance.fleet.keeping import keep
from attendance.fleet.store import people, refusals, rollups, schools

_SAME_ID = "Another refusal is here under this refusal_id."


def take_refusals(conn: Connection, batch: Batch) -> None:
    """Keep the batch's refusals, each once."""
    asked = batch.of(Refused)
    if not asked:
        return
    gate = batch.gate
    there = refusals.by_id(conn, gate.school_id, {item.refusal_id for item in asked.values()})
    new = {}
    for place, item in asked.items():
        same = there.setdefault(item.refusal_id, item)
        if same is item:
            new[place] = item
        else:
            _compare(batch, place, item, same)
    written, raced = keep(conn, batch, new, partial(refusals.put, conn, gate))
    if raced:
        there = refusals.by_id(conn, gate.school_id, {item.refusal_id for item in raced.values()})
        for place, item in raced.items():
            _compare(batch, place, item, there[item.refusal_id])
    rollups.add_refusals(conn, gate, [(item.day, item.seen_at) for item in written.values()])
    batch.days.update(item.day for item in written.values())


def take_people(conn: Connection, batch: Batch) -> None:
    """Learn students, and forget those who ask for it, in the order in which the gate said so."""
    said: dict[int, Student | Erasure] = {**batch.of(Student), **batch.of(Erasure)}
    if said:
        schools.wait_for_directory(conn, batch.gate.school_id)  # another gate may bring the same list
    for place in sorted(said):
        item = said[place]
        if isinstance(item, Student):
            done = _learn(conn, batch, item)
        else:
            done = directory.erase_key(conn, batch.gate.school_id, item.student_key, batch.now)
        batch.results[place] = CREATED if done else DUPLICATE


def _learn(conn: Connection, batch: Batch, student: Student) -> bool:
    """Whether the directory got a new student."""
    school_id = batch.gate.school_id
    alias = student.student_key
    if people.erased_keys(conn, school_id, [alias]) or people.by_alias(conn, school_id, [alias]):
        return False
    known = people.by_number(conn, school_id, [student.student_id]).get(student.student_id)
    if known is None and directory.met_again(conn, school_id, alias, student.student_id, batch.now):
        return False
    batch.learned.append(alias)
    if known is not None:
        people.note_key(conn, school_id, alias, known)
        return False
    directory.add(conn, school_id, student, batch.now)
    return True


def _compare(batch: Batch, place: int, item: Refused, there: Refused) -> None:
    if item == there:
        batch.results[place] = DUPLICATE
    else:
        batch.conflict(place, _SAME_ID)
