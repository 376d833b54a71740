"""The last scan of every series of numbers that this gate has: one for each device and epoch."""

import sqlite3

from attendance.domain.contact import Tip

_HEADS = """
WITH RECURSIVE devices (device_id) AS (
    SELECT min(device_id) FROM attendance
    UNION ALL
    SELECT (SELECT min(a.device_id) FROM attendance a WHERE a.device_id > d.device_id)
    FROM devices d WHERE d.device_id IS NOT NULL
),
series (device_id, epoch) AS (
    SELECT d.device_id, (SELECT min(a.epoch) FROM attendance a WHERE a.device_id = d.device_id)
    FROM devices d WHERE d.device_id IS NOT NULL
    UNION ALL
    SELECT s.device_id, (SELECT min(a.epoch) FROM attendance a WHERE a.device_id = s.device_id AND a.epoch > s.epoch)
    FROM series s WHERE s.epoch IS NOT NULL
)
SELECT a.device_id, a.epoch, a.seq AS last_seq, a.chain
FROM series s CROSS JOIN attendance a ON a.device_id = s.device_id AND a.epoch = s.epoch
    AND a.seq = (SELECT max(m.seq) FROM attendance m WHERE m.device_id = s.device_id AND m.epoch = s.epoch)
"""
"""From one series to the next by the index: grouping would read a million rows for a handful of answers."""


def heads(conn: sqlite3.Connection) -> list[Tip]:
    """Reads only."""
    return [Tip.model_validate(dict(row)) for row in conn.execute(_HEADS)]
