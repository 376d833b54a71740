"""Photos in parts and logs on request, through two processes that share a folder and a database."""

import hashlib
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from scans import ledger, photo, scan, student
from served_centre import Caller, ServedCentre, heartbeat

from attendance.domain.wire import PHOTO_PART_BYTES, CommandKind
from attendance.fleet import commands
from attendance.fleet.store import photos
from attendance.fleet.store.engine import reading, transaction


def jpeg(size: int = 150_000) -> bytes:
    return b"\xff\xd8\xff\xe0" + secrets.token_bytes(size - 4)


def announce(caller: Caller, content: bytes, student_key: str = "") -> str:
    """Let a scan have a photo; its digest."""
    digest, made = hashlib.sha256(content).hexdigest(), scan(ledger(), student_key)
    results = caller.ask("POST", "/sync", {"items": [made, photo(made["scan_id"], digest, len(content))]})
    assert [each["result"] for each in results.json["results"]] == ["created"] * 2
    return digest


def put(caller: Caller, digest: str, offset: int, content: bytes) -> tuple[int, dict[str, object]]:
    part = content[offset : offset + PHOTO_PART_BYTES]
    answer = caller.ask("PUT", f"/photos/{digest}?offset={offset}&size={len(content)}", raw=part)
    return answer.status, answer.json


def on_disk(centre: ServedCentre, caller: Caller, digest: str) -> Path:
    return centre.folder / "photos" / centre.known(caller).school_id / digest[:2] / f"{digest}.jpg"


def test_a_photo_comes_in_parts(centre: ServedCentre) -> None:
    """Each answer says where the next part begins; the last one says that it is whole, and it is."""
    caller, content = centre.gate(centre.school()), jpeg()
    digest = announce(caller, content)
    received = 0
    while received < len(content):
        status, state = put(caller, digest, received, content)
        assert status == 200
        assert state["received"] == min(received + PHOTO_PART_BYTES, len(content))
        received = int(str(state["received"]))
        assert state["complete"] == (received == len(content))
    assert on_disk(centre, caller, digest).read_bytes() == content
    assert caller.ask("GET", f"/photos/{digest}").json == {"received": len(content), "complete": True}


def test_a_lost_answer_costs_one_part(centre: ServedCentre) -> None:
    """The gate asks how far it is, and goes on; a part that comes again, or too early, harms nothing."""
    caller, content = centre.gate(centre.school()), jpeg()
    digest = announce(caller, content)
    put(caller, digest, 0, content)
    assert caller.ask("GET", f"/photos/{digest}").json == {"received": PHOTO_PART_BYTES, "complete": False}
    assert put(caller, digest, 0, content)[1] == {"received": PHOTO_PART_BYTES, "complete": False}
    assert put(caller, digest, 2 * PHOTO_PART_BYTES, content)[1] == {"received": PHOTO_PART_BYTES, "complete": False}
    put(caller, digest, PHOTO_PART_BYTES, content)
    assert put(caller, digest, 2 * PHOTO_PART_BYTES, content)[1] == {"received": len(content), "complete": True}
    assert put(caller, digest, 0, content)[1] == {"received": len(content), "complete": True}


def test_a_wrong_photo_is_discarded_and_sent_anew(centre: ServedCentre) -> None:
    """What does not fit its digest is told so once, and then begins at nothing."""
    caller, content = centre.gate(centre.school()), jpeg(40_000)
    digest = announce(caller, content)
    status, refused = put(caller, digest, 0, content[::-1])
    assert (status, refused["error"]["code"]) == (409, "other-photo")  # type: ignore[index]
    assert caller.ask("GET", f"/photos/{digest}").json == {"received": 0, "complete": False}
    assert put(caller, digest, 0, content)[1]["complete"]


def test_only_announced_photos_are_taken(centre: ServedCentre) -> None:
    """Neither an unknown digest, nor another size, nor a malformed address."""
    caller, content = centre.gate(centre.school()), jpeg(5_000)
    digest = announce(caller, content)
    assert put(caller, hashlib.sha256(b"x").hexdigest(), 0, content)[0] == 403
    assert caller.ask("PUT", f"/photos/{digest}?size=6000", raw=content).status == 409
    assert caller.ask("PUT", f"/photos/{digest}?size=5000", raw=content + b"x").status == 400
    assert caller.ask("PUT", f"/photos/{digest}?size=5000", raw=b"").status == 400
    assert caller.ask("PUT", f"/photos/{digest}?size=5000", raw=b"x" * (PHOTO_PART_BYTES + 1)).status == 413
    assert caller.ask("PUT", f"/photos/{digest}", raw=content).status == 400
    for path in ("..%2f..%2fcentre.db", "A" * 64, "a" * 63, digest.upper(), f"{digest}%00"):
        assert caller.ask("GET", f"/photos/{path}").status == 404, path


def test_the_same_part_twice_at_once_is_one(centre: ServedCentre) -> None:
    """A gate that gave up waiting sends again while the first is still worked on: the photo is whole all the same."""
    caller, content = centre.gate(centre.school()), jpeg()
    digest = announce(caller, content)
    for offset in range(0, len(content), PHOTO_PART_BYTES):
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _, at=offset: put(caller, digest, at, content)[0], range(6)))
        assert answers == [200] * 6
    assert on_disk(centre, caller, digest).read_bytes() == content


def test_the_photo_of_somebody_who_is_forgotten_goes(centre: ServedCentre, eventually: Callable[..., None]) -> None:
    """From the disk too, within seconds, whole or not; and it is not taken again."""
    caller, ana, content, half = centre.gate(centre.school()), student(), jpeg(30_000), jpeg(90_000)
    assert caller.ask("POST", "/sync", {"items": [ana]}).status == 200
    digest, begun = (announce(caller, each, ana["student_key"]) for each in (content, half))
    put(caller, digest, 0, content)
    put(caller, begun, 0, half)
    assert on_disk(centre, caller, digest).exists()
    assert (
        caller.ask("POST", "/sync", {"items": [{"type": "erasure", "student_key": ana["student_key"]}]}).status == 200
    )
    folder = centre.folder / "photos" / centre.known(caller).school_id

    def gone() -> bool:
        with reading(centre.engine) as conn:
            waiting = photos.doomed(conn, 100)
        return not list(folder.rglob("*.jpg")) and not list(folder.rglob("*.part")) and not waiting

    eventually(gone, within_s=30)
    assert put(caller, digest, 0, content)[0] == 403
    assert put(caller, begun, PHOTO_PART_BYTES, half)[0] == 403


def test_logs_come_for_a_command(centre: ServedCentre) -> None:
    """Kept for whoever asked; a body that is no gzip, or one that nobody asked for, is not."""
    caller = centre.gate(centre.school())
    known = centre.known(caller)
    with transaction(centre.engine) as conn:
        command_id = commands.order(conn, known, CommandKind.LOGS, {}, "boss", datetime.now(UTC))
        other = commands.order(conn, known, CommandKind.SYNC, {}, "boss", datetime.now(UTC))
    packed = b"\x1f\x8b" + secrets.token_bytes(5_000)
    assert caller.ask("PUT", f"/logs/{command_id}", raw=packed).json == {"received": len(packed)}
    assert (centre.folder / "logs" / known.school_id / f"{command_id}.gz").read_bytes() == packed
    assert caller.ask("PUT", f"/logs/{command_id}", raw=b"plain").status == 400
    assert caller.ask("PUT", f"/logs/{command_id}", raw=packed * 500).status == 413
    assert caller.ask("PUT", f"/logs/{other}", raw=packed).status == 404
    done = {"command_id": command_id, "state": "done", "detail": ""}
    assert caller.ask("POST", "/heartbeat", heartbeat(results=[done])).status == 200


@pytest.mark.parametrize("centre", ["sqlite"], indirect=True)
def test_nothing_lies_open(centre: ServedCentre) -> None:
    """Photos and logs are the centre's own user's, at most its group's: no other user of the machine reads them."""
    files = [path for name in ("photos", "logs") for path in (centre.folder / name).rglob("*.*")]
    assert all(path.stat().st_mode & 0o007 == 0 for path in files)
