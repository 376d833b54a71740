"""What a gate fetches is its school's, in order, and misses nothing."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from one_school import NOW, Ledger, Site, student
from sqlalchemy import select

from attendance.clock import rfc3339
from attendance.domain.directory import Card, Closure
from attendance.domain.enrolment import Enrolment
from attendance.errors import BadInput
from attendance.fleet import directory, feed
from attendance.fleet.ingest import ingest
from attendance.fleet.store import gates, photos
from attendance.fleet.store.engine import reading, transaction
from attendance.fleet.store.gates import Gate
from attendance.fleet.store.tables import dead_letters, entries, erased

KEY = "a" * 32


def foreign(site: Site, gate: Gate | None = None, after: int = 0, limit: int = 1000) -> dict[str, Any]:
    """What a gate, without more the second of the school, is told of the others."""
    asking = gate or site.other
    with reading(site.engine) as conn:
        return feed.scans(conn, asking.school_id, asking.gate_id, after, limit, NOW)


def changes(site: Site, after: int = 0, limit: int = 1000, school_id: str = "") -> dict[str, Any]:
    with reading(site.engine) as conn:
        return feed.changes(conn, school_id or site.school.school_id, after, limit)


def all_of(fetch: Any, limit: int) -> list[Any]:
    """Every item, page by page."""
    found, after = [], 0
    while True:
        page = fetch(after=after, limit=limit)
        assert len(page["items"]) <= limit
        found += page["items"]
        if not page["more"]:
            return found
        assert page["version"] > after
        after = page["version"]


def test_a_gate_hears_of_the_others_only(site: Site) -> None:
    """Not of its own scans, and not of another school's."""
    (scan,) = Ledger("Main").fill(1, NOW)
    scan["student_key"] = KEY
    site.send(student("17", KEY), scan)
    (told,) = foreign(site)["items"]
    assert told == {
        "student_id": "17",
        "scan_id": scan["scan_id"],
        "device_id": "Main",
        "day": scan["day"],
        "session": "morning",
        "direction": "in",
        "status": "on_time",
        "scanned_at": scan["scanned_at"],
        "received": 1,
    }
    assert foreign(site, site.gate)["items"] == []
    assert foreign(site, site.stranger)["items"] == []


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_pages_miss_nothing(site: Site, limit: int) -> None:
    """However small they are, and though the asking gate's own scans lie between."""
    ledger, own = Ledger("Main"), Ledger("Back")
    site.send(student("17", KEY))
    for _ in range(3):
        site.send(*[ledger.scan(NOW, KEY) for _ in range(9)])
        site.send(*[own.scan(NOW, KEY) for _ in range(4)], gate=site.other)
    told = all_of(lambda after, limit: foreign(site, after=after, limit=limit), limit)
    assert [each["scan_id"] for each in told] == [each["scan_id"] for each in ledger.scans]


def test_a_correction_is_told_again(site: Site) -> None:
    """With a new number and the true time."""
    ledger = Ledger("Main")
    scan = ledger.scan(NOW - timedelta(days=400), KEY)
    site.send(student("17", KEY), scan)
    assert foreign(site)["items"] == []
    true = rfc3339(NOW - timedelta(hours=1))
    site.send(
        {
            "type": "correction",
            "scan_id": scan["scan_id"],
            "scanned_at": true,
            "day": "2026-11-26",
            "status": "late",
            "minutes_late": 4,
            "corrected_at": rfc3339(NOW),
        }
    )
    (told,) = foreign(site)["items"]
    assert (told["scanned_at"], told["day"], told["status"]) == (true, "2026-11-26", "late")


def test_scans_of_a_student_who_is_known_later_are_told_then(site: Site) -> None:
    """A gate cannot use a scan without the number of its student."""
    (scan,) = Ledger("Main").fill(1, NOW)
    site.send(scan)
    after = foreign(site)["version"]
    site.send(student("17", scan["student_key"]))
    (told,) = foreign(site, after=after)["items"]
    assert told["scan_id"] == scan["scan_id"]


def test_old_scans_are_not_told(site: Site) -> None:
    """A week's backlog of another gate changes nothing here."""
    site.send(student("17", KEY), Ledger("Main").scan(NOW - timedelta(days=8), KEY))
    assert foreign(site) == {"version": 0, "more": False, "items": []}


def test_numbers_become_visible_in_their_order(site: Site) -> None:
    """Who has seen number N has seen all before it, though a later transaction ends first."""
    ledger, another = Ledger("Main"), Ledger("Side")
    site.send(student("17", KEY))
    first = ledger.scan(NOW, KEY)
    second = another.scan(NOW, KEY)
    sent = threading.Event()
    with transaction(site.engine) as conn:
        gate_id = gates.enrol(conn, site.school.school_id, "Side", gates.Machine("Side", "9" * 64, "", ""), NOW)
        third = gates.get(conn, site.school.school_id, gate_id)

    def send_second() -> None:
        site.send(second, gate=third)
        sent.set()

    with transaction(site.engine) as conn:
        ingest(conn, site.gate, [first], NOW)
        thread = threading.Thread(target=send_second)
        thread.start()
        assert not sent.wait(0.3)
    thread.join(10)
    told = foreign(site)["items"]
    assert [each["received"] for each in told] == [1, 2]


def test_a_directory_comes_by_version_with_tombstones(site: Site) -> None:
    """What changes again comes again; what is gone comes once, empty."""
    school_id = site.school.school_id
    with transaction(site.engine) as conn:
        directory.enrol(conn, school_id, [Enrolment("1", "Ana"), Enrolment("2", "Ben")], NOW)
        directory.put_closure(
            conn,
            school_id,
            Closure(first_day="2026-12-25", last_day="2026-12-25", kind="holiday", name="Christmas"),
            NOW,
        )
        directory.put_document(conn, school_id, "schedule", {"sessions": []}, NOW)
    whole = changes(site)
    assert [each["kind"] for each in whole["items"]] == ["student", "student", "closure", "schedule"]
    assert (whole["version"], whole["counts"]) == (4, {"students": 2})
    with transaction(site.engine) as conn:
        directory.enrol(conn, school_id, [Enrolment("1", "Ana"), Enrolment("2", "Benjamin")], NOW)
        assert directory.remove(conn, school_id, ["1"], NOW) == 1
    (ben, ana) = changes(site, after=4)["items"]
    assert (ben["body"]["name"], ben["version"]) == ("Benjamin", 5)
    assert (ana["deleted"], ana["body"], ana["version"]) == (True, {}, 6)
    assert changes(site, school_id=site.stranger.school_id)["items"] == []
    assert len(all_of(lambda after, limit: changes(site, after, limit), 1)) == 4


def test_a_version_from_the_future_says_that_the_centre_was_restored(site: Site) -> None:
    """The gate sees a smaller one and begins anew."""
    assert changes(site, after=99)["version"] == 0
    assert foreign(site, after=99)["version"] == 0


def test_a_student_who_comes_back_keeps_the_key(site: Site) -> None:
    """What is recorded of them stays theirs."""
    school_id = site.school.school_id
    with transaction(site.engine) as conn:
        directory.enrol(conn, school_id, [Enrolment("1", "Ana")], NOW)
        (before,) = directory.students(conn, school_id)
        directory.remove(conn, school_id, ["1"], NOW)
        assert directory.students(conn, school_id) == []
        directory.enrol(conn, school_id, [Enrolment("1", "Ana")], NOW)
        assert directory.students(conn, school_id) == [before]


def test_a_card_needs_a_student_of_the_school(site: Site) -> None:
    """Another school's will not do."""
    with transaction(site.engine) as conn:
        directory.enrol(conn, site.stranger.school_id, [Enrolment("1", "Ana")], NOW)
        card = Card(kind="rfid", value="04AABB", student_id="1", issued_at=rfc3339(NOW))
        with pytest.raises(BadInput):
            directory.put_card(conn, site.school.school_id, card, NOW)


def test_a_card_is_called_back_everywhere(site: Site) -> None:
    """Also one that only a gate knows."""
    with transaction(site.engine) as conn:
        directory.revoke_card(conn, site.school.school_id, "number", "17", 2, "lost", NOW)
        (card,) = directory.cards(conn, site.school.school_id)
    assert (card.value, card.issue, card.revoked_at, card.reason) == ("17", 2, rfc3339(NOW), "lost")


def erase(site: Site, key: str, gate: Gate | None = None) -> list[str]:
    return site.send({"type": "erasure", "student_key": key}, gate=gate)


def test_an_erasure_reaches_every_gate_and_leaves_nothing(site: Site) -> None:
    """Under whichever of a person's keys it is asked for."""
    theirs = "b" * 32
    scan = Ledger("Main").scan(NOW, KEY)
    picture = {
        "type": "photo",
        "scan_id": scan["scan_id"],
        "sha256": "c" * 64,
        "size_bytes": 10,
        "reason": "",
        "score": 1.0,
    }
    site.send(student("17", KEY, name="Ana Cruz"), scan, picture, student("17", KEY, grade=["?"]))
    site.send(student("17", theirs, name="Ana Cruz"), gate=site.other)
    with transaction(site.engine) as conn:
        directory.put_card(
            conn,
            site.school.school_id,
            Card(kind="rfid", value="04AABB", student_id="17", issued_at=rfc3339(NOW)),
            NOW,
        )
    assert erase(site, theirs, site.other) == ["created"]
    assert erase(site, KEY) == ["duplicate"]
    found = {each["kind"]: each for each in changes(site)["items"]}
    assert (found["student"]["deleted"], found["card"]["deleted"]) == (True, True)
    assert found["erasure"]["body"]["student_keys"] == [KEY, theirs]
    with reading(site.engine) as conn:
        assert photos.doomed(conn, 10) == [(site.school.school_id, "c" * 64)]
        assert conn.execute(select(dead_letters)).all() == []
        kept = str(conn.execute(select(entries)).all()) + str(conn.execute(select(erased)).all())
    assert "Cruz" not in kept
    assert "04AABB" not in kept


def test_what_comes_of_the_erased_later_tells_nothing(site: Site) -> None:
    """Their scans count, their details and photos are not taken."""
    scan = Ledger("Main").scan(NOW, KEY)
    picture = {
        "type": "photo",
        "scan_id": scan["scan_id"],
        "sha256": "c" * 64,
        "size_bytes": 10,
        "reason": "",
        "score": 1.0,
    }
    assert erase(site, KEY) == ["created"]
    assert site.send(student("17", KEY), scan, picture) == ["duplicate", "created", "created"]
    assert changes(site)["counts"] == {"students": 0}
    with reading(site.engine) as conn:
        assert photos.announced(conn, site.school.school_id, site.gate.gate_id, "c" * 64) is None


def test_a_gate_that_was_away_does_not_bring_the_erased_back(site: Site) -> None:
    """It has a key that the centre never heard of, and is told to forget it."""
    late = "d" * 32
    site.send(student("17", KEY))
    erase(site, KEY)
    assert site.send(student("17", late), gate=site.other) == ["duplicate"]
    assert changes(site)["counts"] == {"students": 0}
    (erasure,) = [each for each in changes(site)["items"] if each["kind"] == "erasure"]
    assert erasure["body"]["student_keys"] == [KEY, late]


def test_who_is_entered_again_by_the_school_is_there_again(site: Site) -> None:
    """Erased once does not mean refused for ever."""
    site.send(student("17", KEY))
    erase(site, KEY)
    with transaction(site.engine) as conn:
        directory.enrol(conn, site.school.school_id, [Enrolment("17", "Ana")], NOW)
    assert site.send(student("17", "d" * 32), gate=site.other) == ["duplicate"]
    assert changes(site)["counts"] == {"students": 1}
