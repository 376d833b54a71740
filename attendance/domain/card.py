"""Signed cards: a payload that a student cannot make for a friend, checked without any network.

``ATT1:<key id>:<student number>:<issue>:<mac>``, all in QR's alphanumeric set so that the code stays small; other
characters are percent-encoded as UTF-8. The mac is the first 80 bits of HMAC-SHA256 over everything before its colon,
in base32. A card without a signature is the plain student number; its issue is 0.
"""

import base64
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from attendance.errors import BadInput

PREFIX = "ATT1"
LONGEST_PAYLOAD_BYTES = 512
"""No card of ours is longer; a longer payload is nobody's."""
LONGEST_NUMBER = 64
_MAC_BYTES = 10
_KEY_BYTES = 32
_PLAIN = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $*+-./")
"""QR's alphanumeric set less ``%`` and ``:``, which the format itself uses."""
_KEY_ID = re.compile(r"[0-9A-Z]{1,8}")
_SIGNED = re.compile(r"ATT1:([0-9A-Z]{1,8}):([^:]{1,1024}):(0|[1-9][0-9]{0,8}):([A-Z2-7]{16})")
_ENCODED = re.compile(r"(?:[0-9A-Z $*+\-./]|%[0-9A-F]{2})+")


@dataclass(frozen=True, slots=True)
class ReadCard:
    """What a payload says before anybody looked it up.

    Attributes:
        text: the payload as text; undecodable bytes as ``\\udcXX``.
        number: the student number it claims.
        issue: which card of that student; 0 for a plain one.
        key_id: the signing key's id; empty for a plain card.
        genuine: the signature was checked and is right; always false for a plain card.
    """

    text: str
    number: str
    issue: int
    key_id: str = ""
    genuine: bool = False

    @property
    def signed(self) -> bool:
        return self.text.startswith(PREFIX + ":")


def sign(number: str, issue: int, key_id: str, key: bytes) -> str:
    """The payload of a signed card.

    Raises:
        BadInput: no such card can be made.
    """
    if not number or len(number) > LONGEST_NUMBER:
        raise BadInput(f"No card for the student number {number!r}: it must have 1 to {LONGEST_NUMBER} characters.")
    if not _KEY_ID.fullmatch(key_id):
        raise BadInput(f"The key id {key_id!r} must be 1 to 8 digits or capital letters.")
    if not 0 <= issue < 10**9:
        raise BadInput(f"The issue {issue!r} must lie between 0 and 999999999.")
    body = f"{PREFIX}:{key_id}:{_percent_encode(number)}:{issue}"
    return f"{body}:{_mac(body, key)}"


def read(payload: bytes, keys: Mapping[str, bytes]) -> ReadCard:
    """What a payload claims, and whether its signature holds under one of ``keys`` (key id to secret).

    Never raises: whatever a camera shows is somebody's card or nobody's.
    """
    text = payload[:LONGEST_PAYLOAD_BYTES].decode("utf-8", "surrogateescape").strip()
    if len(payload) > LONGEST_PAYLOAD_BYTES:
        return ReadCard(text, "", 0)
    if not text.startswith(PREFIX + ":"):
        return ReadCard(text, text, 0)
    parts = _SIGNED.fullmatch(text)
    number = _percent_decode(parts[2]) if parts else None
    if parts is None or number is None:
        return ReadCard(text, "", 0)
    key = keys.get(parts[1])
    body = text.rpartition(":")[0]
    genuine = key is not None and hmac.compare_digest(_mac(body, key), parts[4])
    return ReadCard(text, number, int(parts[3]), parts[1], genuine)


def parse_keys(text: str, where: str) -> dict[str, bytes]:
    """The keys of a ``cards.key`` file: a line each, ``<key id> <base32 secret>``; the first one signs.

    Raises:
        BadInput: naming the line, never the secret.
    """
    keys: dict[str, bytes] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key_id, _, secret = line.strip().partition(" ")
        try:
            key = base64.b32decode(secret.strip().upper())
        except ValueError:
            key = b""
        if not _KEY_ID.fullmatch(key_id) or len(key) < 16 or key_id in keys:
            raise BadInput(
                f"Line {number} of the card key file {where!r} is no key: each line is a new id of 1 to 8 digits or "
                "capital letters, a space, and a base32 secret of at least 128 bits. Restore the file from its copy."
            )
        keys[key_id] = key
    return keys


def new_key_line(key_id: str) -> str:
    """A line for the key file with a fresh secret."""
    return f"{key_id} {base64.b32encode(secrets.token_bytes(_KEY_BYTES)).decode()}"


def _mac(body: str, key: bytes) -> str:
    return base64.b32encode(hmac.digest(key, body.encode("ascii"), "sha256")[:_MAC_BYTES]).decode()


def _percent_encode(number: str) -> str:
    return "".join(
        c if c in _PLAIN else "".join(f"%{byte:02X}" for byte in c.encode("utf-8", "surrogateescape")) for c in number
    )


def _percent_decode(text: str) -> str | None:
    if not _ENCODED.fullmatch(text):
        return None
    raw = re.sub(rb"%([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), text.encode("ascii"))
    try:
        number = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return number if _percent_encode(number) == text else None
