"""What a gate records reaches the centre, once, whatever the line and the centre do."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from gate_data import DAY
from small_centre import Answered, SmallCentre, Told
from sync_desk import TOKEN, SyncDesk, opened

from attendance.domain import wire
from attendance.domain.scan import Refusal
from attendance.kiosk import erasure
from attendance.kiosk.store import ledger, roster, sync_queue
from attendance.kiosk.store.database import reading, writing
from attendance.kiosk.store.sync_queue import Waiting


@pytest.fixture
def centre() -> Iterator[SmallCentre]:
    with SmallCentre() as centre:
        yield centre


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SyncDesk]:
    with opened(tmp_path) as desk:
        yield desk


def test_everything_of_a_gate_arrives(desk: SyncDesk, centre: SmallCentre) -> None:
    """Students, scans, photos, corrections, refusals and erasures: each as it is here."""
    gate = desk.gate
    made = gate.scan("1", photo=True)
    undated = gate.scan("2")
    with writing(gate.database) as conn:
        now = gate.clock.now()
        ledger.correct_clock(conn, undated.scan_id, now.at, DAY, "late", 7, now)
        origin = ledger.Origin("gate-1", "camera")
        refusal = ledger.refuse(conn, Refusal.UNKNOWN_CARD, None, "secret words", now, DAY, origin)
    gone = gate.key("3")
    erasure.erase(gate.database, gate.data, [gone])
    desk.enrol(centre)
    desk.work()
    assert centre.ids("scan") == {made.scan_id, undated.scan_id}
    assert centre.ids("student") == {gate.key("1"), gate.key("2")}
    assert centre.ids("correction") == {undated.scan_id}
    assert centre.items["correction", undated.scan_id].minutes_late == 7
    assert centre.ids("refusal") == {refusal}
    assert centre.ids("erasure") == {gone}
    assert [bytes(each) for each in centre.pictures.values()] == [
        (gate.data / f"photos/{DAY}/{made.scan_id}.jpg").read_bytes()
    ]
    assert set(desk.rows().values()) == {"sent"}
    assert not any(b"secret" in told.body for told in centre.asked)


def test_the_chain_holds_over_the_scans(desk: SyncDesk, centre: SmallCentre) -> None:
    """Each scan's link is made of it and of the link before, as the centre makes it again from what arrives."""
    for _ in range(5):
        desk.gate.scan("1", passage=1 + len(desk.gate.scans()))
    desk.enrol(centre)
    desk.work()
    previous = ""
    scans = sorted((item for item in centre.items.values() if item.type == "scan"), key=lambda scan: scan.seq)
    for scan in scans:
        assert scan.chain == wire.chain(previous, scan)
        previous = scan.chain
    assert [scan.seq for scan in scans] == [1, 2, 3, 4, 5]


def test_a_gate_without_a_place_asks_nobody(desk: SyncDesk) -> None:
    """It rests, and keeps everything."""
    desk.gate.scan()
    assert desk.courier.step() > 0
    assert desk.client.fault is None
    assert desk.states("scan") == ["waiting"]


def test_an_enrolment_is_noticed_without_a_restart(desk: SyncDesk, centre: SmallCentre) -> None:
    """The file that another process writes is enough; and when it is gone, nothing leaves any more."""
    desk.gate.scan()
    desk.courier.step()
    desk.enrol(centre)
    desk.work()
    assert desk.states("scan") == ["sent"]
    (desk.gate.data / "centre.json").unlink()
    desk.gate.scan(passage=2)
    desk.courier.step()
    assert desk.states("scan") == ["sent", "waiting"]


def test_an_item_that_the_centre_refuses_blocks_nothing(desk: SyncDesk, centre: SmallCentre) -> None:
    """It waits for a person, with the reason; sent again when that one says so."""
    bad, good = desk.gate.scan("1"), desk.gate.scan("2")
    centre.results[bad.scan_id] = {"result": "rejected", "reason": "no such day"}
    desk.enrol(centre)
    desk.work()
    assert centre.ids("scan") == {good.scan_id}
    assert [(row["record_type"], row["record_id"], row["reason"]) for row in desk.dead()] == [
        ("scan", bad.scan_id, "no such day")
    ]
    assert (desk.courier.waiting.dead, desk.courier.waiting.why_dead) == (1, "no such day")
    centre.results.clear()
    with writing(desk.database) as conn:
        assert sync_queue.retry_dead(conn, [row["position"] for row in desk.dead()]) == 1
    desk.work()
    assert bad.scan_id in centre.ids("scan")


def test_what_has_to_wait_holds_nothing_up(desk: SyncDesk, centre: SmallCentre) -> None:
    """``later`` pauses one row, longer each time, and the others go on."""
    slow, quick = desk.gate.scan("1"), desk.gate.scan("2")
    centre.results[slow.scan_id] = {"result": "later", "reason": "not yet"}
    desk.enrol(centre)
    desk.courier.step()
    assert quick.scan_id in centre.ids("scan")
    for _ in range(40):
        desk.clock.advance(desk.courier.step())
    asked = sum(slow.scan_id.encode() in told_body(told) for told in centre.asked)
    assert 3 <= asked <= 10
    centre.results.clear()
    desk.work(2000)
    assert slow.scan_id in centre.ids("scan")


def test_a_centre_that_has_less_than_it_took_gets_everything_again(desk: SyncDesk, centre: SmallCentre) -> None:
    """As one does that was restored from a backup: who was erased must not come back with it."""
    gone = desk.gate.key("2")
    erasure.erase(desk.database, desk.gate.data, [gone])
    desk.gate.scan("1", photo=True)
    desk.enrol(centre)
    desk.work()
    had = set(centre.items)
    centre.items.clear()
    centre.pictures.clear()
    desk.gate.scan("1", passage=2)
    desk.work()
    assert had < set(centre.items)
    assert len(centre.pictures) == 1
    assert centre.ids("erasure") == {gone}
    asked = len(centre.asked)
    desk.gate.scan("1", passage=3)
    desk.work()
    assert len(centre.asked) == asked + 1


def told_body(told: Told) -> bytes:
    return repr(told.json).encode() if told.body else b""


def test_what_waits_for_ever_ends_before_a_person(desk: SyncDesk, centre: SmallCentre) -> None:
    """A photo whose scan was refused does not keep the queue from ever being empty."""
    made = desk.gate.scan("1", photo=True)
    centre.results[made.scan_id] = {"result": "later", "reason": "never"}
    desk.enrol(centre)
    hours = 0
    while desk.courier.waiting.items or not hours:
        desk.courier.step()
        desk.clock.advance(3600)
        hours += 1
    assert {row["reason"] for row in desk.dead()} == {"never"}
    assert 48 < hours < 200


def test_a_record_that_changes_on_its_way_is_sent_again(desk: SyncDesk, centre: SmallCentre) -> None:
    """An answer is about the revision that was sent: a photo that is replaced meanwhile waits again."""
    made = desk.gate.scan("1", photo=True)
    desk.enrol(centre)

    def replaced_meanwhile(told: Told) -> bool:
        centre.before = lambda told: True
        new = desk.gate.data / f"photos/{DAY}/better.jpg"
        new.write_bytes(b"a better picture")
        with writing(desk.database) as conn:
            ledger.attach_photo(conn, made.scan_id, f"photos/{DAY}/better.jpg", "", 99, [])
        return True

    centre.before = replaced_meanwhile
    desk.courier.step()
    assert desk.states("photo") == ["waiting"]
    desk.work()
    assert bytes(centre.pictures[centre.items["photo", made.scan_id].sha256]) == b"a better picture"


def test_batches_are_bounded_and_shrink_where_the_line_is_slow(tmp_path: Path, centre: SmallCentre) -> None:
    """Never more than configured; half of it after each failure, and up again afterwards."""
    with opened(tmp_path, batch_size=40) as desk:
        desk.gate.scan_often("1", range(1, 200))
        desk.enrol(centre)
        sizes: list[int] = []

        def note(told: Told) -> bool:
            sizes.append(len(told.json["items"]))
            return len(sizes) not in (2, 3)

        centre.before = note
        desk.work()
        assert sizes[:6] == [40, 40, 20, 10, 20, 40]
        assert max(sizes) == 40


def test_a_large_student_fits(tmp_path: Path, centre: SmallCentre) -> None:
    """A batch of the longest records stays under what the centre reads."""
    with opened(tmp_path, batch_size=500) as desk:
        many = [roster.Guardian(f"+63917{number:07}", "n" * 200) for number in range(20)]
        with writing(desk.database) as conn:
            for number in range(400):
                long = roster.Enrolment(f"s{number}", "x" * 200, "y" * 200, guardians=many)
                roster.enrol(conn, long, desk.clock.now())
        desk.enrol(centre)
        desk.work()
        assert len(centre.ids("student")) == 403
        bodies = [len(repr(told.json)) for told in centre.asked]
        assert len(bodies) > 1


def test_a_removed_student_is_said_to_be_one(desk: SyncDesk, centre: SmallCentre) -> None:
    """Whoever left is known for the past only, and whoever came back is told anew."""
    with writing(desk.database) as conn:
        roster.remove(conn, "1", desk.clock.now())
    desk.enrol(centre)
    desk.work()
    key = desk.gate.key("1")
    assert centre.items["student", key].removed is True
    with writing(desk.database) as conn:
        roster.enrol(conn, roster.Enrolment("1", "Student 1"), desk.clock.now())
    desk.work()
    assert centre.items["student", key].removed is False


def test_a_revoked_gate_keeps_its_records_and_asks_seldom(desk: SyncDesk, centre: SmallCentre) -> None:
    """One look in a quarter of an hour, not a hundred; a new enrolment is used at once."""
    desk.gate.scan()
    desk.enrol(centre)
    centre.keys.clear()
    for _ in range(100):
        desk.clock.advance(desk.courier.step())
    assert len(centre.asked) == 1
    assert desk.states("scan") == ["waiting"]
    desk.enrol(centre, token="another")
    desk.work()
    assert desk.states("scan") == ["sent"]


def test_a_wake_up_does_not_shorten_the_pause_after_a_failure(desk: SyncDesk, centre: SmallCentre) -> None:
    """A scan every second does not make a gate ask a centre that is down every second."""
    desk.gate.scan()
    desk.enrol(centre)
    centre.before = lambda told: False
    for _ in range(60):
        desk.courier.step()
        desk.clock.advance(1)
    assert len(centre.asked) <= 5


@pytest.mark.parametrize(("status", "signed", "most_s"), [(503, True, 3970), (429, False, 340)])
def test_a_busy_centre_is_left_alone(
    desk: SyncDesk, centre: SmallCentre, status: int, signed: bool, most_s: float
) -> None:
    """Retry-After counts, less so if anybody on the way may have written it."""

    def busy(told: Told, answered: Answered) -> Answered:
        key = wire.key_hash(TOKEN)
        headers = {"Retry-After": "100000"}
        if signed:
            name = told.headers[wire.REQUEST_HEADER.lower()]
            headers[wire.SIGNATURE_HEADER] = wire.signature_of_answer(key, name, status, b"{}")
        return Answered(status, b"{}", headers)

    desk.gate.scan()
    desk.enrol(centre)
    centre.fault = busy
    waited = 0.0
    while len(centre.asked) < 2:
        rest_s = desk.courier.step()
        desk.clock.advance(rest_s)
        waited += rest_s
    assert most_s * 0.9 <= waited <= most_s


def test_an_answer_for_another_number_of_records_settles_nothing(desk: SyncDesk, centre: SmallCentre) -> None:
    """Signed or not: results that do not fit the records are nobody's."""

    def short(told: Told, answered: Answered) -> Answered:
        said = json.loads(answered.body)
        body = json.dumps({**said, "results": said["results"][:-1]}).encode()
        key = wire.key_hash(TOKEN)
        name = told.headers[wire.REQUEST_HEADER.lower()]
        signature = wire.signature_of_answer(key, name, 200, body)
        return Answered(200, body, {wire.SIGNATURE_HEADER: signature})

    desk.gate.scan()
    desk.enrol(centre)
    centre.fault = short
    desk.courier.step()
    assert set(desk.rows().values()) == {"waiting"}


def test_the_erased_are_told_of_after_a_restore(desk: SyncDesk, centre: SmallCentre) -> None:
    """A database from before the erasure has lost the row that tells the centre; the list of the erased has not."""
    key = desk.gate.key("1")
    erasure.remember(desk.gate.data, [key])
    assert erasure.reapply(desk.database, desk.gate.data) == 1
    assert erasure.reapply(desk.database, desk.gate.data) == 0
    desk.change("DELETE FROM sync_queue WHERE record_type = 'erasure'")
    erasure.reapply(desk.database, desk.gate.data)
    desk.enrol(centre)
    desk.work()
    assert centre.ids("erasure") == {key}
    with reading(desk.database) as conn:
        assert roster.known_keys(conn, [key]) == []


def test_health_knows_what_waits_while_nobody_answers(desk: SyncDesk, centre: SmallCentre) -> None:
    """The number grows with the scans, not with the answers."""
    desk.enrol(centre)
    centre.before = lambda told: False
    for passage in range(1, 4):
        desk.gate.scan("1", passage)
        desk.clock.advance(20)
        desk.courier.step()
    assert desk.courier.waiting.items == 6


def test_a_long_queue_is_not_counted_at_every_batch(
    tmp_path: Path, centre: SmallCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counting a year's records takes longer than sending some."""
    counted: list[int] = []
    count = sync_queue.waiting

    def counting(conn: sqlite3.Connection) -> Waiting:
        counted.append(1)
        return count(conn)

    monkeypatch.setattr(sync_queue, "waiting", counting)
    with opened(tmp_path, batch_size=10) as desk:
        desk.gate.scan_often("1", range(1, 200))
        desk.enrol(centre)
        while desk.courier.send():
            pass
        assert len(centre.asked) > 20
        assert len(counted) <= 4
        assert desk.courier.waiting == Waiting()
