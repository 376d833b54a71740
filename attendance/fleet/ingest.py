"""Taking in what a gate sends: each item judged alone, all of it in one transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from attendance.domain.wire import Head, ItemResult
from attendance.fleet import scans
from attendance.fleet.batch import LATER, Batch
from attendance.fleet.store.gates import Gate


def ingest(conn: Connection, gate: Gate, raw_items: list[Any], now: datetime) -> tuple[list[ItemResult], list[Head]]:
    """Take in the items of one request.

    Args:
        raw_items: as ``json`` read them.

    Returns:
        What became of each, in their order, and how far the chains of the scans among them are. Both hold once the
        transaction is committed.
    """
    batch = Batch.read(gate, raw_items, now)
    heads = scans.take(conn, batch)
    return [result or LATER for result in batch.results], heads
