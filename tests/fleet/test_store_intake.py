"""What gates send is kept once, judged item by item, and nobody's but their school's."""

import random
from datetime import timedelta
from typing import Any

import pytest
from one_school import NOW, Ledger, Site, student
from sqlalchemy import select

from attendance.clock import rfc3339
from attendance.fleet import directory, feed
from attendance.fleet.store import dead_letters, photos
from attendance.fleet.store.engine import reading, transaction
from attendance.fleet.store.tables import corrections, events, refusals


def kept(site: Site) -> int:
    with reading(site.engine) as conn:
        return len(conn.execute(select(events.c.scan_id)).all())


def photo(scan: dict[str, Any], sha256: str | None = "a" * 64, **other: Any) -> dict[str, Any]:
    return {
        "type": "photo",
        "scan_id": scan["scan_id"],
        "sha256": sha256,
        "size_bytes": 1000 if sha256 else 0,
        "reason": "",
        "score": 0.5,
        **other,
    }


def correction(scan: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {
        "type": "correction",
        "scan_id": scan["scan_id"],
        "scanned_at": rfc3339(NOW - timedelta(hours=1)),
        "day": "2026-11-26",
        "status": "late",
        "minutes_late": 12,
        "corrected_at": rfc3339(NOW),
        **other,
    }


REFUSAL = {
    "type": "refusal",
    "refusal_id": "01a21591-77b4-767d-9d6e-95dd6a41a29c",
    "device_id": "Main",
    "refusal": "unknown_card",
    "student_key": None,
    "day": "2026-11-26",
    "seen_at": rfc3339(NOW),
    "clock_trusted": True,
    "source": "qr",
}


def test_what_comes_again_is_kept_once(site: Site) -> None:
    """A lost answer makes a gate send all again."""
    scans = Ledger("Main").fill(20, NOW)
    assert site.send(*scans) == ["created"] * 20
    assert site.send(*scans) == ["duplicate"] * 20
    assert kept(site) == 20


def test_repeats_within_a_batch_are_kept_once(site: Site) -> None:
    """A proxy may repeat within a request too."""
    first, second = Ledger("Main").fill(2, NOW)
    assert site.send(first, second, first) == ["created", "created", "duplicate"]


@pytest.mark.parametrize(
    "altered",
    [
        {"status": "late"},
        {"student_key": "f" * 32},
        {"scanned_at": "2025-11-26T07:29:57.000000Z"},
        {"chain": "0" * 64},
        {"seq": 9},
        {"seq": 9, "scanned_at": "2025-11-26T07:29:57.000000Z"},
    ],
    ids=" and ".join,
)
def test_another_scan_under_the_same_id_is_a_conflict(site: Site, altered: dict[str, Any]) -> None:
    """The first one stays, also when the other claims another month; a person sees the other."""
    (scan,) = Ledger("Main").fill(1, NOW)
    site.send(scan)
    assert site.send(scan | altered) == ["conflict"]
    assert kept(site) == 1
    with reading(site.engine) as conn:
        (letter,) = dead_letters.of_school(conn, site.school.school_id, 10)
    assert (letter.result, letter.item_id, letter.gate_id) == ("conflict", scan["scan_id"], site.gate.gate_id)


def test_another_scan_under_the_same_number_is_a_conflict(site: Site) -> None:
    """A number of an epoch is given once."""
    site.send(*Ledger("Main").fill(3, NOW))
    (other,) = Ledger("Main").fill(1, NOW)
    assert site.send(other) == ["conflict"]
    assert kept(site) == 3


def test_a_scan_that_a_repaired_gate_knows_by_its_photo_only_is_the_same(site: Site) -> None:
    """The centre has the original; another student's photo under its number is a conflict still."""
    (scan,) = Ledger("Main").fill(1, NOW)
    site.send(scan)
    again = {"source": "photo", "boot_id": "", "boot_ns": 0, "clock_trusted": False, "chain": "", "status": "late"}
    assert site.send(scan | again) == ["duplicate"]
    assert site.send(scan | again | {"student_key": "f" * 32}) == ["conflict"]


def test_two_gates_may_use_the_same_names(site: Site) -> None:
    """Chains belong to gates, also if two call themselves the same."""
    assert site.send(*Ledger("Main").fill(2, NOW)) == ["created"] * 2
    assert site.send(*Ledger("Main").fill(2, NOW), gate=site.other) == ["created"] * 2


def test_another_school_may_have_the_same_scan_id(site: Site) -> None:
    """Who guesses an id of another school learns nothing, and blocks nothing."""
    (scan,) = Ledger("Main").fill(1, NOW)
    site.send(scan)
    assert site.send(scan | {"status": "late"}, gate=site.stranger) == ["created"]
    assert site.send(photo(scan), correction(scan)) == ["created"] * 2


@pytest.mark.parametrize(
    "poison",
    [
        None,
        17,
        "scan",
        [],
        {},
        {"type": "cheese"},
        {"type": "scan"},
        {"type": "student", "student_key": "a" * 32, "student_id": "1", "name": "NUL\x00"},
        {"type": "student", "student_key": "a" * 32, "student_id": "1", "name": "\ud800"},
        {"type": "\ud800", "scan_id": ["\x00"], "student_key": "\x00"},
        {"type": "refusal", "seen_at": float("inf"), "day": 10**400},
    ],
    ids=str,
)
def test_a_bad_item_holds_up_no_other(site: Site, poison: Any) -> None:
    """It is answered, kept for a person, and the rest is taken."""
    first, second = Ledger("Main").fill(2, NOW)
    assert site.send(first, poison, second) == ["created", "rejected", "created"]
    with reading(site.engine) as conn:
        assert dead_letters.count(conn, site.school.school_id) == 1


def test_a_bad_item_that_comes_again_is_counted(site: Site) -> None:
    """A person sees it once, and again if it comes after they settled it."""
    site.send({"type": "scan"}, {"type": "scan"})
    with transaction(site.engine) as conn:
        (letter,) = dead_letters.of_school(conn, site.school.school_id, 10)
        assert letter.times == 2
        assert dead_letters.settle(conn, site.school.school_id, letter.letter_id, "ana", NOW)
        assert dead_letters.count(conn, site.school.school_id) == 0
    site.send({"type": "scan"})
    with reading(site.engine) as conn:
        assert dead_letters.count(conn, site.school.school_id) == 1


@pytest.mark.parametrize(
    "extreme",
    [
        {"scanned_at": "1970-01-01T00:00:00.000000Z", "day": "1970-01-01"},
        {"scanned_at": "2025-11-26T07:30:00.000001Z", "day": "2025-11-26"},
        {"scanned_at": "2199-12-31T23:59:59.999999Z", "day": "2199-12-31"},
    ],
    ids=lambda extreme: extreme["day"],
)
def test_no_clock_is_too_wrong(site: Site, extreme: dict[str, Any]) -> None:
    """A gate whose clock is off loses nothing, and what it sends comes out as it went in."""
    scan = Ledger("Main").scan(NOW, **extreme)
    assert site.send(scan) == ["created"]
    assert site.send(scan) == ["duplicate"]


def test_odd_texts_come_out_as_they_went_in(site: Site) -> None:
    """Quotes, braces, backslashes and the word NULL are what the gate said, not SQL."""
    scans = Ledger("Main").fill(60, NOW, random.Random(5))
    assert site.send(*scans) == ["created"] * 60
    assert site.send(*scans) == ["duplicate"] * 60


@pytest.mark.parametrize("attach", [photo, correction], ids=["photo", "correction"])
def test_what_belongs_to_a_scan_waits_for_it(site: Site, attach: Any) -> None:
    """``later`` leaves it in the gate's queue."""
    (scan,) = Ledger("Main").fill(1, NOW)
    assert site.send(attach(scan)) == ["later"]
    assert site.send(attach(scan), scan) == ["created", "created"]
    assert site.send(attach(scan)) == ["duplicate"]


def test_a_correction_leaves_the_scan_as_it_was(site: Site) -> None:
    """The same scan again is still the same."""
    (scan,) = Ledger("Main").fill(1, NOW)
    site.send(scan, correction(scan))
    assert site.send(scan) == ["duplicate"]


def test_the_newest_correction_holds(site: Site) -> None:
    """Whichever comes last."""
    (scan,) = Ledger("Main").fill(1, NOW)
    older = correction(scan, corrected_at=rfc3339(NOW - timedelta(days=1)), status="on_time")
    assert site.send(scan, correction(scan), older) == ["created", "created", "duplicate"]
    with reading(site.engine) as conn:
        assert conn.execute(select(corrections.c.status)).scalar_one() == "late"


def test_a_refusal_is_kept_once(site: Site) -> None:
    """The same again is a duplicate, another under its id a conflict."""
    assert site.send(REFUSAL, REFUSAL) == ["created", "duplicate"]
    assert site.send(REFUSAL, REFUSAL | {"refusal": "revoked"}) == ["duplicate", "conflict"]
    with reading(site.engine) as conn:
        assert len(conn.execute(select(refusals)).all()) == 1


def test_only_the_gate_that_announced_a_photo_may_bring_it(site: Site) -> None:
    """Nobody can fill the centre's disk, or probe it, with digests."""
    (scan,) = Ledger("Main").fill(1, NOW)
    site.send(scan, photo(scan))
    with reading(site.engine) as conn:
        school_id = site.school.school_id
        assert photos.announced(conn, school_id, site.gate.gate_id, "a" * 64) == 1000
        assert photos.announced(conn, school_id, site.other.gate_id, "a" * 64) is None
        assert photos.announced(conn, site.stranger.school_id, site.stranger.gate_id, "a" * 64) is None


def test_a_photo_that_expired_at_the_gate_stays_at_the_centre(site: Site) -> None:
    """A gate lets go of photos for room; the centre has it."""
    (scan,) = Ledger("Main").fill(1, NOW)
    site.send(scan, photo(scan))
    assert site.send(photo(scan, None, reason="expired")) == ["duplicate"]
    with transaction(site.engine) as conn:
        photos.complete(conn, site.school.school_id, "a" * 64)
        assert photos.of_scan(conn, site.school.school_id, scan["scan_id"]) == "a" * 64


def test_a_student_whom_the_centre_knows_keeps_its_details(site: Site) -> None:
    """A gate's key is noted, its details are not."""
    assert site.send(student("17", name="Ana")) == ["created"]
    assert site.send(student("17", name="Berta"), gate=site.other) == ["duplicate"]


def test_a_student_who_left_before_there_was_a_centre_does_not_come_back(site: Site) -> None:
    """Their past scans have a name, and no gate lets them pass again."""
    scan = Ledger("Main").scan(NOW, "a" * 32)
    assert site.send(student("17", "a" * 32, removed=True), scan) == ["created", "created"]
    with reading(site.engine) as conn:
        assert directory.students(conn, site.school.school_id) == []
        (told,) = feed.scans(conn, site.school.school_id, site.other.gate_id, 0, 10, NOW)["items"]
    assert told["student_id"] == "17"
    assert site.send(student("17", "b" * 32), gate=site.other) == ["duplicate"]
