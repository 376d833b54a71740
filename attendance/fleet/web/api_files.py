"""The addresses for what is no record: photos, in parts, and logs that somebody asked for."""

from typing import Any

from pydantic import TypeAdapter

from attendance.domain import contact, wire
from attendance.fleet import commands
from attendance.fleet.photo_store import WrongPhoto
from attendance.fleet.store import photos
from attendance.fleet.store.engine import reading, transaction
from attendance.fleet.web.calls import Address, Call, Part
from attendance.fleet.web.refusals import Refusal


def photo_part(call: Call[bytes]) -> contact.PhotoState:
    """Take a part of a photo that one of the gate's own records announced."""
    sha256, school_id = call.path["sha256"], call.gate.school_id
    size = _announced(call, sha256)
    if call.query.size != size:
        raise Refusal(409, "other-size", f"The photo was announced with {size} bytes.")
    try:
        progress = call.centre.photos.add(school_id, sha256, call.query.offset, size, call.body)
    except WrongPhoto as error:
        raise Refusal(409, "other-photo", str(error)) from error
    try:
        _announced(call, sha256)
    except Refusal:
        # the person was forgotten while the part came in; whoever forgets them later finds the file and deletes it
        call.centre.photos.erase(school_id, [sha256])
        raise
    if progress.complete:
        with transaction(call.centre.engine) as conn:
            photos.complete(conn, school_id, sha256)
    return contact.PhotoState(received=progress.received, complete=progress.complete)


def photo_progress(call: Call[None]) -> contact.PhotoState:
    _announced(call, call.path["sha256"])
    progress = call.centre.photos.progress(call.gate.school_id, call.path["sha256"])
    return contact.PhotoState(received=progress.received, complete=progress.complete)


def logs(call: Call[bytes]) -> contact.Kept:
    """Keep the logs for which a command asked this gate."""
    command_id, gate = call.path["command_id"], call.gate
    with reading(call.centre.engine) as conn:
        if not commands.wants_logs(conn, gate, command_id):
            raise Refusal(404, "not-asked", "Nobody asked this gate for logs with such a command.")
    return contact.Kept(received=call.centre.logs.keep(gate.school_id, command_id, call.body))


def _announced(call: Call[Any], sha256: str) -> int:
    """Size in bytes of a photo of the gate."""
    with reading(call.centre.engine) as conn:
        size = photos.announced(conn, call.gate.school_id, call.gate.gate_id, sha256)
    if size is None:
        raise Refusal(403, "not-announced", "No record of this gate announced such a photo. Send the record first.")
    return size


_DIGEST: TypeAdapter[str] = TypeAdapter(wire.Digest)
_ID: TypeAdapter[str] = TypeAdapter(wire.Id)

ADDRESSES: tuple[Address[Any], ...] = (
    Address(
        "PUT",
        "/photos/{sha256}",
        "Send a part of a photo; the answer says where the next begins.",
        photo_part,
        contact.PhotoState,
        body=bytes,
        limit_bytes=wire.PHOTO_PART_BYTES,
        query=Part,
        refuses=(403, 409),
        parts={"sha256": _DIGEST},
    ),
    Address(
        "GET",
        "/photos/{sha256}",
        "How much of a photo is here.",
        photo_progress,
        contact.PhotoState,
        refuses=(403,),
        parts={"sha256": _DIGEST},
    ),
    Address(
        "PUT",
        "/logs/{command_id}",
        "Send the packed logs for which a command asked.",
        logs,
        contact.Kept,
        body=bytes,
        limit_bytes=contact.LARGEST_LOG_BYTES,
        parts={"command_id": _ID},
    ),
)
