"""Opening the centre's database, bringing it up to date, and transactions.

SQLite for one centre on one machine, PostgreSQL for fleets. What differs stands in ``dialect``.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, TimeoutError

from attendance.errors import StorageError
from attendance.fleet.store import dialect


def open_engine(url: str, *, connections: int = 8) -> Engine:
    """A pool of connections; none is opened before it is needed.

    Args:
        url: ``sqlite:///path``, or ``postgresql://user:password@host1:5432,host2:5432/name`` as libpq reads it. With
            several hosts the one that takes writes is used.
        connections: the most that are open at a time.

    Raises:
        StorageError: no such kind of database.
    """
    if url.startswith("sqlite:///"):
        return dialect.sqlite_engine(url, connections)
    if url.startswith(("postgresql://", "postgres://")):
        return dialect.postgresql_engine(url, connections)
    raise StorageError(
        "The centre's database must be given as sqlite:///path/to/file.db or postgresql://user:password@host/name."
    )


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Reads and writes that happen together or not at all; returning means: durable.

    Raises:
        StorageError: the database refused, or is out of reach.
    """
    with _in_our_words(), dialect.writers_turn(engine), engine.begin() as conn:
        yield conn


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Reads of one state of the database that hinder no writer.

    Raises:
        StorageError: the database refused, or is out of reach.
    """
    with _in_our_words(), engine.connect() as conn:
        conn = dialect.read_only(conn)
        with conn.begin():
            yield conn


@contextmanager
def asking(engine: Engine) -> Iterator[Connection]:
    """For one question alone, without the cost of a transaction.

    Raises:
        StorageError: the database refused, or is out of reach.
    """
    with _in_our_words(), engine.connect() as conn:
        yield dialect.without_transaction(conn)


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest schema. Several replicas may start at once: one does it, the others wait.

    Raises:
        StorageError: the database refused, is out of reach, or is newer than this program.
    """
    config = Config()
    config.set_main_option("script_location", "attendance.fleet.store:migrations")
    try:
        with engine.begin() as conn:
            dialect.wait_for_turn(conn)
            config.attributes["connection"] = conn
            command.upgrade(config, "head")
    except CommandError as error:
        raise StorageError(
            f"The centre's database has a schema that this program does not know ({error}). Install that version again."
        ) from error
    except SQLAlchemyError as error:
        raise _refused(error) from error


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, TimeoutError) as error:
        raise _refused(error) from error


def _refused(error: SQLAlchemyError) -> StorageError:
    cause = error.orig if isinstance(error, DBAPIError) else error
    first_line = (str(cause).splitlines() or [type(cause).__name__])[0]
    return StorageError(
        f"The centre's database refused ({first_line}). Check that it runs and has room, then try again."
    )
