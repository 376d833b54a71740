"""What differs between SQLite and PostgreSQL; everything else is the same code on both."""

import select
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import psycopg
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Engine,
    Table,
    any_,
    bindparam,
    cast,
    create_engine,
    event,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool
from sqlalchemy.types import NullType

from attendance.errors import StorageError

POSTGRESQL = "postgresql"
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
_NO_SESSION = "prepared_statements=false"
_UPGRADE_LOCK = 0x617474656E64
"""Key of the advisory lock under which one replica upgrades."""


def is_postgresql(conn: Connection) -> bool:
    return conn.dialect.name == POSTGRESQL


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
        execution_options={"writers_turn": Lock()},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


@contextmanager
def writers_turn(engine: Engine) -> Iterator[None]:
    """SQLite lets one write at a time, and whoever waits asks again and again, some of them in vain. Within a process
    they wait here for each other instead.

    Raises:
        StorageError: the others took too long.
    """
    lock: Lock | None = engine.get_execution_options().get("writers_turn")
    if lock is None:
        yield
        return
    if not lock.acquire(timeout=SQLITE_BUSY_TIMEOUT_S):
        raise StorageError(f"The centre's database was busy for {SQLITE_BUSY_TIMEOUT_S} s. Try again.")
    try:
        yield
    finally:
        lock.release()


def _prepare_sqlite(connection: Any, entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver's own BEGIN is deferred, and late
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(conn: Connection) -> None:
    reads_only = conn.get_execution_options().get("reads_only", False)
    conn.exec_driver_sql(f"PRAGMA query_only={int(reads_only)}")
    conn.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def postgresql_engine(url: str, connections: int) -> Engine:
    """libpq reads the URL, so that several hosts, sockets and certificates are given as everywhere else.

    ``prepared_statements=false`` among its parameters is ours: for a pooler which gives every transaction another
    session, so that nothing can be left in one. The role has the settings of the session then.
    """
    url, keeps_session = _without_own_parameter(url)
    defaults: dict[str, Any] = {"connect_timeout": _CONNECT_TIMEOUT_S, "application_name": "attendance"}
    try:
        given = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:  # whose text is the URL, with the password
        raise StorageError(
            "The URL of the centre's database cannot be read. Write it as postgresql://user:password@host/name, with "
            "special characters as %40."
        ) from None
    if "," in str(given.get("host", "")):
        defaults["target_session_attrs"] = "read-write"
    parameters: dict[str, Any] = defaults | given
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(**parameters),
        pool_size=connections,
        max_overflow=0,
    )
    event.listen(engine, "connect", _prepare_postgresql if keeps_session else _prepare_pooled)
    event.listen(engine, "checkout", _still_connected)
    return engine


def _without_own_parameter(url: str) -> tuple[str, bool]:
    """The URL as libpq may read it, and whether a connection has a session of its own."""
    address, _, query = url.partition("?")
    given = [each for each in query.split("&") if each]
    kept = [each for each in given if each != _NO_SESSION]
    return (f"{address}?{'&'.join(kept)}" if kept else address), len(kept) == len(given)


def _prepare_postgresql(connection: Any, entry: ConnectionPoolEntry) -> None:
    with connection.cursor() as cursor:
        for name, value in POSTGRESQL_SESSION.items():
            cursor.execute(f"SET {name} = '{value}'")
    connection.commit()


def _still_connected(connection: Any, entry: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
    """A server that went away has said so, or closed the connection, and was not heard yet: then none of the pool's is
    good any more. This asks the kernel and not the server, which would cost as much as a statement."""
    heard = select.poll()
    if not connection.closed:
        heard.register(connection.fileno(), select.POLLIN)
    if connection.closed or heard.poll(0):
        raise InvalidatePoolError


def _prepare_pooled(connection: Any, entry: ConnectionPoolEntry) -> None:
    connection.prepare_threshold = None


def read_only(conn: Connection) -> Connection:
    """The connection, for a transaction that only reads, all of it from one state."""
    if is_postgresql(conn):
        return conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return conn.execution_options(reads_only=True)


def without_transaction(conn: Connection) -> Connection:
    """The connection, for one statement that only reads."""
    if is_postgresql(conn):
        return conn.execution_options(isolation_level="AUTOCOMMIT")
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
        return _any_of(column, bindparam(None, array_literal(values), type_=NullType(), unique=True))
    return column.in_(values)


def among_named(kind: str, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """The same for a statement that is made once for a kind of database, and told the ``named`` values when it runs."""
    if kind == POSTGRESQL:
        return _any_of(column, bindparam(name, type_=NullType()))
    return column.in_(bindparam(name, expanding=True))


def named(conn: Connection, values: list[Any]) -> Any:
    """What such a statement takes."""
    return array_literal(values) if is_postgresql(conn) else values


def _any_of(column: ColumnElement[Any], array: BindParameter[Any]) -> ColumnElement[bool]:
    # a parameter of no type becomes the array at once; one of type text would be cast anew for each row
    return column == any_(cast(array, postgresql.ARRAY(column.type)))


def array_literal(values: Sequence[Any]) -> str:
    """Texts, numbers, truths or ``None`` as PostgreSQL writes an array of them; half the cost of the driver's lists."""
    if None in values:
        return "{" + ",".join(map(_element, values)) + "}"
    if values and isinstance(values[0], str):
        return _array_of_texts(values)
    return "{" + ",".join(map(str, values)) + "}"


def _array_of_texts(values: Sequence[str]) -> str:
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * (len(values) - 1):
        joined = '","'.join(map(_escaped, values))
    return f'{{"{joined}"}}'


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    return f'"{_escaped(value)}"' if isinstance(value, str) else str(value)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def take_turn(conn: Connection, key: int) -> bool:
    """Whether no other replica does what ``key`` stands for; none can until the end of this transaction."""
    return bool(conn.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": key}).scalar_one())
