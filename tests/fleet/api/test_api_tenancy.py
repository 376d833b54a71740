"""A gate of one school reads and writes nothing of another: every address, with every identifier of the other."""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError
from scans import ledger, photo, scan, student
from served_centre import Caller, ServedCentre, heartbeat
from sqlalchemy import select

from attendance.domain import contact, wire
from attendance.domain.directory import Card, Closure
from attendance.fleet import commands, directory
from attendance.fleet.store.engine import reading, transaction
from attendance.fleet.store.tables import metadata
from attendance.fleet.web.api import ADDRESSES

JPEG = b"\xff\xd8\xff\xe0" + b"x" * 3000


@dataclass
class Tenant:
    """A school with something of everything.

    Attributes:
        secrets: what tells who somebody is.
    """

    school_id: str
    gate: Caller
    neighbour: Caller
    command_id: str
    digests: dict[str, str]
    secrets: list[str]


def settle(centre: ServedCentre) -> Tenant:
    school, now = centre.school(), datetime.now(UTC)
    gate, neighbour = centre.gate(school, "north"), centre.gate(school, "south")
    own, tag = ledger("north"), secrets.token_hex(8)
    people = [
        student(name=f"Name-{tag}", guardians=[{"phone": f"+6391{number}{tag[:8].translate(DIGITS)}"}])
        for number in "23"
    ]
    scans = [scan(own, people[0]["student_key"]) for _ in range(3)]
    whole, half = JPEG + tag.encode(), JPEG[::-1] + tag.encode()
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in (("whole", whole), ("half", half))}
    photos = [photo(scans[n]["scan_id"], digests[name], len(whole)) for n, name in enumerate(digests)]
    later = {
        **{"type": "correction", "scan_id": scans[2]["scan_id"], "scanned_at": scans[2]["scanned_at"]},
        **{"day": scans[2]["day"], "status": "late", "minutes_late": 3, "corrected_at": scans[2]["scanned_at"]},
    }
    items = [*people, *scans, *photos, later, {"type": "poison", "tag": tag}]
    answer = gate.ask("POST", "/sync", {"items": items})
    assert [each["result"] for each in answer.json["results"]] == ["created"] * (len(items) - 1) + ["rejected"]
    for content, name in ((whole, "whole"), (half[:1000], "half")):
        assert gate.ask("PUT", f"/photos/{digests[name]}?size={len(whole)}", raw=content).status == 200
    with transaction(centre.engine) as conn:
        directory.put_card(
            conn,
            school.school_id,
            Card(
                kind="rfid",
                value=f"AA{tag}",
                student_id=people[0]["student_id"],
                issued_at="2026-01-01T00:00:00.000000Z",
            ),
            now,
        )
        directory.put_closure(
            conn,
            school.school_id,
            Closure(first_day="2026-12-24", last_day="2026-12-25", kind="holiday", name=f"Feast-{tag}"),
            now,
        )
        directory.put_document(conn, school.school_id, "texts", {"language": f"L-{tag}"}, now)
        command_id = commands.order(conn, centre.known(gate), wire.CommandKind.LOGS, {}, "boss", now)
    told = heartbeat(heads=[{"device_id": "north", "epoch": own.epoch, "last_seq": 3, "chain": own.chain}])
    assert gate.ask("POST", "/heartbeat", told).status == 200
    names = [f"Name-{tag}", f"Feast-{tag}", f"L-{tag}", f"AA{tag}"]
    return Tenant(school.school_id, gate, neighbour, command_id, digests, names)


DIGITS = str.maketrans("abcdef", "123456")


def everything(centre: ServedCentre, school_id: str) -> dict[str, list[str]]:
    """Every row of a school in every table, and its photos on the disk."""
    found = {}
    with reading(centre.engine) as conn:
        for table in metadata.sorted_tables:
            if "school_id" in table.c:
                rows = conn.execute(select(table).where(table.c.school_id == school_id)).mappings()
                found[table.name] = sorted(json.dumps(dict(row), default=str, sort_keys=True) for row in rows)
    files = sorted((centre.folder / "photos" / school_id).rglob("*.*"))
    found["files"] = [f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
    return found


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from texts(key)
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def identifiers(rows: dict[str, list[str]]) -> set[str]:
    """Every text of some length in a school's rows."""
    found = {
        text for lines in rows.values() for line in lines if line.startswith("{") for text in texts(json.loads(line))
    }
    return {text for text in found if 6 <= len(text) <= 200}


@pytest.fixture(scope="module")
def tenants(centre: ServedCentre) -> tuple[Tenant, Tenant]:
    return settle(centre), settle(centre)


def test_the_test_sees_a_school(centre: ServedCentre, tenants: tuple[Tenant, Tenant]) -> None:
    """A school here has rows wherever gates can reach, so that the comparison below compares something."""
    rows = everything(centre, tenants[0].school_id)
    filled = {name for name, lines in rows.items() if lines}
    assert filled >= {"gates", "chains", "events", "corrections", "photos", "photo_files", "dead_letters", "entries"}
    assert filled >= {"students", "aliases", "gate_health", "commands", "audit", "files", "arrivals", "counters"}


def test_nothing_of_another_school_can_be_read(centre: ServedCentre, tenants: tuple[Tenant, Tenant]) -> None:
    """Every address with every identifier of the other school in every variable place: no answer has one of them."""
    own, other = tenants
    foreign = identifiers(everything(centre, other.school_id)) - identifiers(everything(centre, own.school_id))
    assert len(foreign) > 20
    for address in ADDRESSES:
        for path in _paths(address.path, foreign):
            said, raw = _usual(address, own)
            answer = own.gate.ask(address.method, f"{path}{QUERIES.get(address.path, '')}", said, raw=raw)
            assert answer.status in (200, 400, 403, 404, 409), (address.path, answer.status)
            assert not foreign & set(texts(answer.json)), address.path
            assert path == address.path or answer.status in (403, 404)


QUERIES = {"/photos/{sha256}": f"?offset=0&size={len(JPEG) + 16}"}


def _paths(path: str, foreign: set[str]) -> Iterator[str]:
    if "{" not in path:
        yield path
        return
    start = path.split("{")[0]
    yield from (f"{start}{each}" for each in sorted(foreign) if each.isascii() and " " not in each and "/" not in each)


def _usual(address: Any, own: Tenant) -> tuple[Any, bytes | None]:
    if address.body is bytes:
        return None, b"\x1f\x8b" + b"x" * 50
    return {
        "/sync": {"items": []},
        "/heartbeat": heartbeat(),
        "/enrol": {"code": "x", "key_hash": own.gate.key_hash, "device_id": "d"},
    }.get(address.path), None


def test_nothing_of_another_school_can_be_written(centre: ServedCentre, tenants: tuple[Tenant, Tenant]) -> None:
    """Every item and every heartbeat with every identifier of the other school in every place that takes it: the other
    school's rows and photos are as before, and no answer tells a name."""
    own, other = tenants
    before = everything(centre, other.school_id)
    foreign = sorted(identifiers(before) - identifiers(everything(centre, own.school_id)))
    for batch in _batches(list(_altered(_items(), foreign)), wire.LARGEST_BATCH):
        answer = own.gate.ask("POST", "/sync", {"items": batch}, packed=True)
        assert answer.status == 200
        said = json.dumps(answer.json["results"])  # the heads name devices as this gate itself did
        assert not any(name in said for name in other.secrets)
    tip = {"device_id": "north", "epoch": "e", "last_seq": 999, "chain": "0" * 64}
    result = {"command_id": other.command_id, "state": "done", "detail": ""}
    heads = [head for head in _altered([tip], foreign) if _is_one(head)]
    assert len(heads) > 20
    for told in _batches(heads, contact.MOST_HEADS):
        assert own.gate.ask("POST", "/heartbeat", heartbeat(heads=told, results=[result])).status == 200
    for path in ("/photos/" + digest for digest in other.digests.values()):
        assert own.gate.ask("PUT", f"{path}?offset=1000&size=3020", raw=b"y" * 500).status == 403
    assert own.gate.ask("PUT", f"/logs/{other.command_id}", raw=b"\x1f\x8bxx").status == 404
    assert everything(centre, other.school_id) == before


def _items() -> list[dict[str, Any]]:
    """One of each type."""
    made, who = scan(ledger("north")), student()
    return [
        who,
        made,
        photo(made["scan_id"], "a" * 64, 100),
        {key: made[key] for key in ("scan_id", "scanned_at", "day", "status", "minutes_late")}
        | {"type": "correction", "corrected_at": made["scanned_at"]},
        {key: made[key] for key in ("device_id", "student_key", "day", "clock_trusted", "source")}
        | {"type": "refusal", "refusal_id": made["scan_id"], "refusal": "revoked", "seen_at": made["scanned_at"]},
        {"type": "erasure", "student_key": who["student_key"]},
    ]


def _altered(examples: list[dict[str, Any]], foreign: list[str]) -> Iterator[dict[str, Any]]:
    """Each example with each of its texts replaced by each identifier."""
    for example in examples:
        for name, value in example.items():
            if isinstance(value, str) and name != "type":
                yield from ({**example, name: each} for each in foreign)


def _is_one(head: dict[str, Any]) -> bool:
    """One that is malformed would have the whole heartbeat refused."""
    try:
        contact.Tip.model_validate(head)
    except ValidationError:
        return False
    return True


def _batches(items: list[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    yield from (items[start : start + size] for start in range(0, len(items), size))


Attempt = Callable[[Tenant], int]


@pytest.mark.parametrize(
    ("attempt", "status"),
    [
        (lambda own: own.neighbour.ask("GET", f"/photos/{own.digests['whole']}").status, 403),
        (lambda own: own.neighbour.ask("PUT", f"/photos/{own.digests['half']}?size=3020", raw=b"x").status, 403),
        (lambda own: own.neighbour.ask("PUT", f"/logs/{own.command_id}", raw=b"\x1f\x8b").status, 404),
    ],
)
def test_a_gate_acts_only_for_itself(tenants: tuple[Tenant, Tenant], attempt: Attempt, status: int) -> None:
    """Photos and commands of the school's other gates are not its own."""
    assert attempt(tenants[0]) == status


def test_a_result_ends_only_ones_own_command(centre: ServedCentre, tenants: tuple[Tenant, Tenant]) -> None:
    """A neighbour's result changes nothing; the command is still told."""
    own, _ = tenants
    result = {"command_id": own.command_id, "state": "done", "detail": ""}
    assert own.neighbour.ask("POST", "/heartbeat", heartbeat(results=[result])).status == 200
    told = own.gate.ask("POST", "/heartbeat", heartbeat()).json["commands"]
    assert [command["command_id"] for command in told] == [own.command_id]
