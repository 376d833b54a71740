"""The chain over a device's scans: part of the protocol, so that gates of any version are understood."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain import wire

SCAN = {
    "scan_id": "0190163d-8694-739b-aea5-966c26f8ad91",
    "device_id": "Main gate, Peña",
    "epoch": "a1b2c3d4e5f60718",
    "seq": 7,
    "student_key": "0123456789abcdef0123456789abcdef",
    "day": "2026-06-08",
    "session": "morning_class",
    "direction": "in",
    "status": "late",
    "passage": 1,
    "minutes_late": 4,
    "scanned_at": "2026-06-07T23:34:00.123456Z",
    "boot_id": "2f8a4c1e-0000-4000-8000-000000000001",
    "boot_ns": 81234567890,
    "clock_trusted": True,
    "source": "camera",
    "card_issue": 2,
    "card_signed": False,
}


def test_a_link_is_what_it_always_was() -> None:
    """SHA-256 of the compact JSON list of the link before and the row's values in the order of the fields, UTF-8."""
    assert wire.chain("ab" * 32, wire.Scan.model_validate(SCAN)) == (
        "f0cd9eb20c0eefa3c14f3b98b34c9a6329d2818e81c06bcd7b811116082cd3b0"
    )


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(_TEXT, _TEXT, st.integers(0, 2**63 - 1))
def test_a_link_can_be_made_with_any_json_library(device_id: str, session: str, boot_ns: int) -> None:
    """Whatever stands in a row: Python's own, told to be compact and to leave letters as they are, gives the same."""
    row = SCAN | {"device_id": device_id, "session": session, "boot_ns": boot_ns}
    text = json.dumps(["ab" * 32, *row.values()], separators=(",", ":"), ensure_ascii=False)
    assert wire.chain("ab" * 32, wire.Scan.model_construct(**row)) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("field", SCAN)
def test_a_link_covers_each_field(field: str) -> None:
    """Whatever is changed in a row, its link does not fit any more."""
    scan = wire.Scan.model_validate(SCAN)
    value = SCAN[field]
    other = not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else f"{value}x"
    changed = scan.model_copy(update={field: other})
    assert wire.chain("", changed) != wire.chain("", scan)


def test_a_link_does_not_cover_itself() -> None:
    """Nor the kind of the item."""
    scan = wire.Scan.model_validate(SCAN)
    assert wire.chain("", scan.model_copy(update={"chain": "ab" * 32})) == wire.chain("", scan)
