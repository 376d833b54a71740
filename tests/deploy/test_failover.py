"""Three machines with what deploy/ha puts on them, and gates at work: what is acknowledged stays, whatever dies.

How long nobody was served is printed: ``pytest -s``.
"""

import time
from collections.abc import Iterator
from itertools import count

import pytest
from ha_cluster import Cluster, cluster
from ha_gates import Fleet
from ha_machines import database_url
from sqlalchemy import Engine

from attendance.fleet.store.engine import open_engine

pytestmark = pytest.mark.slow
_schools = count(1)


@pytest.fixture(scope="module")
def three() -> Iterator[Cluster]:
    with cluster() as made:
        yield made


@pytest.fixture(scope="module")
def engine(three: Cluster) -> Iterator[Engine]:
    """Reaches the database without pooler and proxy."""
    engine = open_engine(database_url(three.machines))
    yield engine
    engine.dispose()


@pytest.fixture
def fleet(three: Cluster, engine: Engine) -> Fleet:
    three.until(three.is_whole)
    return Fleet(engine, f"School {next(_schools)}", three.urls, three.certificate)


def settled(three: Cluster, fleet: Fleet, since: float, what: str) -> None:
    """Every gate is served again; say how long one had to wait."""
    three.until(lambda: fleet.served_since(since), within_s=60)
    print(f"\n{what}: {fleet.outage_s(since):.1f} s")


@pytest.mark.parametrize("time_of_three", [1, 2, 3])
@pytest.mark.parametrize("parts", [("postgres",), ()], ids=["database", "machine"])
def test_a_primary_dies(three: Cluster, fleet: Fleet, parts: tuple[str, ...], time_of_three: int) -> None:
    """Its database, or its whole machine with the centre and the way in on it: the standby goes on with everything."""
    with fleet.busy():
        three.until(lambda: fleet.served_since(0))
        primary, since = three.primary(), time.monotonic()
        primary.kill(*parts)
        settled(three, fleet, since, f"primary's {parts[0] if parts else 'machine'} killed")
        assert three.primary() is not primary
        three.start()
        three.until(three.is_whole)
