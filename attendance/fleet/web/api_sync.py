"""The addresses that gates call all day: their records, and how they are."""

from attendance.domain import contact, wire
from attendance.fleet import heartbeats
from attendance.fleet.ingest import ingest
from attendance.fleet.keeping import Doubtful
from attendance.fleet.store import schools
from attendance.fleet.store.engine import transaction
from attendance.fleet.web.calls import Address, Call


def sync(call: Call[contact.Sync]) -> contact.Synced:
    """What became of each item. It is durable before this returns."""
    try:
        return _synced(call, one_by_one=False)
    except Doubtful:
        return _synced(call, one_by_one=True)


def _synced(call: Call[contact.Sync], *, one_by_one: bool) -> contact.Synced:
    with transaction(call.centre.engine) as conn:
        results, heads = ingest(conn, call.gate, call.body.items, call.now, one_by_one=one_by_one)
        versions = schools.versions(conn, call.gate.school_id)
    return contact.Synced(results=results, heads=heads, versions=contact.Versions.model_validate(versions))


def heartbeat(call: Call[contact.Heartbeat]) -> contact.HeartbeatAnswer:
    with transaction(call.centre.engine) as conn:
        return heartbeats.take(conn, call.gate, call.body, call.now)


ADDRESSES = (
    Address(
        "POST",
        "/sync",
        "Send records. Each is judged alone and answered in its place; what is answered is durable.",
        sync,
        contact.Synced,
        body=contact.Sync,
        limit_bytes=wire.LARGEST_BODY_BYTES,
    ),
    Address(
        "POST",
        "/heartbeat",
        "Tell how the gate is, and be told what to do.",
        heartbeat,
        contact.HeartbeatAnswer,
        body=contact.Heartbeat,
        limit_bytes=wire.LARGEST_BODY_BYTES,
    ),
)
