"""Numbers: what is one, and that nobody but the office may read it whole."""

import pytest

from attendance.domain.message import is_phone, masked, masked_in


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("+639171234567", "+63917•••4567"),
        ("+6591234567", "•••4567"),
        ("09171234567", "•••4567"),
        ("+12345678", "•••5678"),
        ("12345", "•••"),
        ("", ""),
    ],
)
def test_a_number_is_never_shown_whole(phone: str, shown: str) -> None:
    """Of a short one less is shown: with one digit hidden anybody could call it."""
    assert masked(phone) == shown


@pytest.mark.parametrize(
    "written",
    ["+639171234567", "639171234567", "09171234567", "0917 123 4567", "+63 (917) 123-4567", "+1234567890123456789"],
)
def test_a_number_in_a_sentence_is_masked_however_it_is_written(written: str) -> None:
    """Gateways and phones word their errors as they like."""
    shown = masked_in(f"Cannot send to {written}: no credit. ({written})")
    assert written not in shown
    assert "•••" in shown
    assert shown.startswith("Cannot send to ")
    assert "no credit." in shown


@pytest.mark.parametrize(
    "text",
    [
        "http://192.168.100.100:8080 answered 500.",
        "https://api.sms-gate.app:65535 answered 500.",
        "Useless after 120 minutes. The limit of messages was reached.",
        "SMS 01a20b72-8d20-7296-8b78-f8bc5b5638f6 failed at 2026-06-08T07:00:00.000000Z.",
    ],
)
def test_what_is_no_number_stays_readable(text: str) -> None:
    """Addresses, ids and times are what a person needs to find the fault."""
    assert masked_in(text) == text


@pytest.mark.parametrize(
    ("phone", "fits"),
    [
        ("+639171234567", True),
        ("+12345678", True),
        ("+123456789012345", True),
        ("+1234567890123456", False),
        ("+1234567", False),
        ("+0639171234567", False),
        ("+٦٣٩١٧١٢٣٤٥٦٧", False),
        ("639171234567", False),
        ("+639171234567\n", False),
    ],
)
def test_what_is_a_number_in_international_form(phone: str, fits: bool) -> None:
    """E.164: a plus, and 8 to 15 digits of which the first is not 0, in ASCII."""
    assert is_phone(phone) is fits
