"""The centre's database is what the code believes, whoever made it and whenever."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from one_school import NOW
from sqlalchemy import Engine, inspect, text

from attendance.errors import BadInput, StorageError
from attendance.fleet.store import schools
from attendance.fleet.store.engine import open_engine, reading, transaction, upgrade
from attendance.fleet.store.tables import metadata


def test_the_migrations_make_the_tables_of_the_code(engine: Engine) -> None:
    """Columns, types, keys and indexes."""

    def ours(thing: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:
        table = getattr(thing, "table", thing)
        return not str(getattr(table, "name", "")).startswith("events_")

    with reading(engine) as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": False, "include_object": ours})
        assert compare_metadata(context, metadata) == []
        for table in metadata.sorted_tables:
            there = {
                column["name"]: column["type"].compile(conn.dialect) for column in inspect(conn).get_columns(table.name)
            }
            assert there == {c.name: c.type.compile(conn.dialect) for c in table.columns}


def test_an_upgrade_again_changes_nothing(engine: Engine) -> None:
    """Every start of every replica does it."""
    with transaction(engine) as conn:
        schools.add(conn, "Rizal", "Asia/Manila", NOW)
    upgrade(engine)
    with reading(engine) as conn:
        assert [each.name for each in schools.every(conn)] == ["Rizal"]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that nobody has upgraded."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new.db"
    url: str = request.getfixturevalue("empty_postgresql_url")
    return url


def test_replicas_that_start_at_once_upgrade_once(empty_url: str) -> None:
    """One does it, the others wait and find it done."""

    def start(_: int) -> int:
        program = (
            "import sys\n"
            "from attendance.fleet.store.engine import open_engine, upgrade\n"
            "upgrade(open_engine(sys.argv[1]))\n"
        )
        return subprocess.run([sys.executable, "-c", program, empty_url], check=False).returncode

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(start, range(4))) == [0] * 4
    engine = open_engine(empty_url)
    with reading(engine) as conn:
        assert conn.execute(text("SELECT count(*) FROM schools")).scalar_one() == 0
    engine.dispose()


def test_a_database_of_a_newer_program_is_refused(engine: Engine) -> None:
    """An old replica must not write into tables that it does not know."""
    with transaction(engine) as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match="Install that version again"):
        upgrade(engine)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://somewhere/centre", "sqlite:///"),
        ("sqlite:////nowhere/at/all/centre.db", "refused"),
        ("postgresql://127.0.0.1:1,127.0.0.1:2/centre", "refused"),
        ("postgresql://[", "cannot be read"),
    ],
)
def test_a_database_out_of_reach_is_explained(url: str, says: str) -> None:
    """No traceback, and no password in what it says."""
    with pytest.raises(StorageError, match=says):
        upgrade(open_engine(url))


def test_a_failed_transaction_leaves_nothing(engine: Engine) -> None:
    """All or nothing."""

    def add_twice() -> None:
        with transaction(engine) as conn:
            schools.add(conn, "Rizal", "Asia/Manila", NOW)
            schools.add(conn, "Rizal", "Asia/Manila", NOW)

    with pytest.raises(BadInput):
        add_twice()
    with reading(engine) as conn:
        assert schools.every(conn) == []


def test_a_reader_cannot_write(engine: Engine) -> None:
    """``reading`` is what it says, on both."""
    with pytest.raises(StorageError), reading(engine) as conn:
        schools.add(conn, "Rizal", "Asia/Manila", NOW)
