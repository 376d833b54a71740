"""The last scan of every series of numbers that this gate has: one for each device and epoch."""

import sqlite3

from attendance.domain.contact import Tip

_HEADS = """
WITH RECURSIVE series (device_id, epoch) AS (
    SELECT * FROM (SELECT device_id, epoch FROM attendance ORDER BY device_id, epoch LIMIT 1)
    UNION ALL
    SELECT
        (SELECT a.device_id FROM attendance a WHERE (a.device_id, a.epoch) > (s.device_id, s.epoch)
         ORDER BY a.device_id, a.epoch LIMIT 1),
        (SELECT a.epoch FROM attendance a WHERE (a.device_id, a.epoch) > (s.device_id, s.epoch)
         ORDER BY a.device_id, a.epoch LIMIT 1)
    FROM series s WHERE s.device_id IS NOT NULL
)
SELECT a.device_id, a.epoch, a.seq AS last_seq, a.chain
FROM series s CROSS JOIN attendance a ON a.device_id = s.device_id AND a.epoch = s.epoch
    AND a.seq = (SELECT max(m.seq) FROM attendance m WHERE m.device_id = s.device_id AND m.epoch = s.epoch)
"""
"""From one series to the next by the index: grouping would read a million rows for a handful of answers."""


def heads(conn: sqlite3.Connection) -> list[Tip]:
    """Reads only."""
    return [Tip.model_validate(dict(row)) for row in conn.execute(_HEADS)]
