"""One served centre for all tests of its API; each test has schools of its own in it."""

from collections.abc import Iterator

import pytest
from served_centre import ServedCentre


@pytest.fixture(scope="session")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCentre]:
    """Behind a proxy on this machine, which the tests are."""
    served = ServedCentre(tmp_path_factory.mktemp("centre"), options=("--trusted-proxy", "127.0.0.1"))
    yield served
    assert served.stop() == 0
