"""The addresses from which gates fetch what they are to know."""

from attendance.domain import contact
from attendance.fleet import feed
from attendance.fleet.store.engine import reading
from attendance.fleet.web.calls import Address, Call, Page


def changes(call: Call[None]) -> contact.Changes:
    with reading(call.centre.engine) as conn:
        found = feed.changes(conn, call.gate.school_id, call.query.after, call.query.limit)
    return contact.Changes.model_validate(found)


def scans(call: Call[None]) -> contact.ForeignScans:
    gate = call.gate
    with reading(call.centre.engine) as conn:
        found = feed.scans(conn, gate.school_id, gate.gate_id, call.query.after, call.query.limit, call.now)
    return contact.ForeignScans.model_validate(found)


ADDRESSES = (
    Address(
        "GET",
        "/changes",
        "The school's directory, what has changed since a version; what is gone comes as deleted.",
        changes,
        contact.Changes,
        query=Page,
    ),
    Address(
        "GET",
        "/scans",
        "Scans of the school's other gates in the last three days, in the order of their arrival.",
        scans,
        contact.ForeignScans,
        query=Page,
    ),
)
