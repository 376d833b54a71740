"""How long messages are kept that have ended. With a message go its reports and its row in ``sms_delivery_log``."""

import sqlite3

from attendance.clock import Moment, rfc3339
from attendance.kiosk.store.receipts import KEPT_FOR

PORTION = 100
"""Messages that one transaction forgets, so that a scan never waits long for its turn."""


def last_old(conn: sqlite3.Connection, now: Moment) -> int:
    """The newest row that is surely past ``KEPT_FOR``; 0: there is none. Reads only, all rows.

    Rows are in the order of queueing, so those before it are as old, whatever clock dated them. An untrusted clock
    finds none.
    """
    if not now.trusted:
        return 0
    row = conn.execute(
        "SELECT max(rowid) FROM sms_outbox WHERE made_trusted = 1 AND made_at < ?", (rfc3339(now.at - KEPT_FOR),)
    ).fetchone()
    return int(row[0] or 0)


def forget(conn: sqlite3.Connection, last: int) -> int:
    """Forget the oldest messages up to ``last``, at most ``PORTION``, inside a write transaction; how many.

    What has not ended stays.
    """
    return conn.execute(
        "DELETE FROM sms_outbox WHERE rowid IN (SELECT rowid FROM sms_outbox WHERE rowid <= ?"
        " AND state NOT IN ('waiting', 'claimed') ORDER BY rowid LIMIT ?)",
        (last, PORTION),
    ).rowcount
