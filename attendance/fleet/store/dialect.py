"""What differs between SQLite and PostgreSQL; everything else is the same code on both."""

from typing import Any

import psycopg
from sqlalchemy import ColumnElement, Connection, Engine, Table, any_, bindparam, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

SQLITE_BUSY_TIMEOUT_S = 30
"""How long a writer waits for the others' short transactions."""
POSTGRESQL_SESSION = {
    "timezone": "UTC",
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
}
"""A statement that hangs must not hold a worker, nor its locks, for ever."""
_CONNECT_TIMEOUT_S = 5
_UPGRADE_LOCK = 0x617474656E64
"""Key of the advisory lock under which one replica upgrades."""


def is_postgresql(conn: Connection) -> bool:
    return conn.dialect.name == "postgresql"


def insert(conn: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT."""
    return postgresql.insert(table) if is_postgresql(conn) else sqlite.insert(table)


def sqlite_engine(url: str, connections: int) -> Engine:
    engine = create_engine(
        "sqlite+pysqlite" + url.removeprefix("sqlite"),
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        connect_args={"timeout": SQLITE_BUSY_TIMEOUT_S, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver's own BEGIN is deferred, and late
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(conn: Connection) -> None:
    conn.exec_driver_sql("BEGIN" if conn.get_execution_options().get("reads_only") else "BEGIN IMMEDIATE")


def postgresql_engine(url: str, connections: int) -> Engine:
    """libpq reads the URL, so that several hosts, sockets and certificates are given as everywhere else."""
    defaults: dict[str, Any] = {"connect_timeout": _CONNECT_TIMEOUT_S, "application_name": "attendance"}
    given = psycopg.conninfo.conninfo_to_dict(url)
    if "," in str(given.get("host", "")):
        defaults["target_session_attrs"] = "read-write"
    parameters: dict[str, Any] = defaults | given
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(**parameters),
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
    )
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_postgresql(connection: Any, entry: ConnectionPoolEntry) -> None:
    with connection.cursor() as cursor:
        for name, value in POSTGRESQL_SESSION.items():
            cursor.execute(f"SET {name} = '{value}'")
    connection.commit()


def read_only(conn: Connection) -> Connection:
    """The connection, for a transaction that only reads, all of it from one state."""
    if is_postgresql(conn):
        return conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return conn.execution_options(reads_only=True)


def wait_for_turn(conn: Connection) -> None:
    """Until the end of this transaction no other replica upgrades. SQLite's own lock is enough."""
    if is_postgresql(conn):
        without_hurry(conn)
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})


def without_hurry(conn: Connection) -> None:
    """Let this transaction's statements take as long as they need."""
    if is_postgresql(conn):
        conn.execute(text("SET LOCAL statement_timeout = 0"))
        conn.execute(text("SET LOCAL lock_timeout = 0"))


def among(conn: Connection, column: ColumnElement[Any], values: list[Any]) -> ColumnElement[bool]:
    """Whether the column has one of many values; one parameter for PostgreSQL, whose plan is then always the same."""
    if is_postgresql(conn):
        return column == any_(bindparam(None, values, type_=postgresql.ARRAY(column.type), unique=True))
    return column.in_(values)


def take_turn(conn: Connection, key: int) -> bool:
    """Whether no other replica does what ``key`` stands for; none can until the end of this transaction."""
    return bool(conn.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": key}).scalar_one())
