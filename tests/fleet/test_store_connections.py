"""Connections that the database closed while nobody used them."""

import psycopg
from sqlalchemy import event, text

from attendance.fleet.store.engine import asking, open_engine, transaction


def test_a_connection_that_the_server_closed_is_replaced_unnoticed(postgresql_url: str) -> None:
    """After a restart or a failover the next question gets its answer; and no statement is spent on trying it."""
    engine = open_engine(postgresql_url, connections=1)
    with asking(engine) as conn:
        gone = conn.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with psycopg.connect(postgresql_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [gone])
    with transaction(engine) as conn:
        assert conn.execute(text("SELECT pg_backend_pid()")).scalar_one() != gone
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    with asking(engine) as conn:
        conn.execute(text("SELECT 1"))
    assert asked == ["SELECT 1"]
    engine.dispose()
