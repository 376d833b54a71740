"""One served centre for all tests of its API, on each database; each test has schools of its own in it."""

from collections.abc import Iterator

import pytest
from served_centre import ServedCentre


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def centre(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCentre]:
    """Behind a proxy on this machine, which the tests are."""
    postgresql = request.param == "postgresql"
    database = request.getfixturevalue("long_lived_postgresql_url") if postgresql else ""
    served = ServedCentre(tmp_path_factory.mktemp("centre"), database, options=("--trusted-proxy", "127.0.0.1"))
    yield served
    assert served.stop() == 0
