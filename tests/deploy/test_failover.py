"""Three machines with what deploy/ha puts on them, and gates at work: what is acknowledged stays, whatever dies.

How long nobody was served is printed: ``pytest -s``. Times of the files under test are as delivered.
"""

import threading
import time
from collections.abc import Iterator
from itertools import count

import psycopg
import pytest
from ha_cluster import Cluster, cluster
from ha_gates import Fleet
from ha_machines import Machine, database_url
from sqlalchemy import Engine

from attendance.fleet.store.engine import open_engine

pytestmark = pytest.mark.slow
DATABASE = ("patroni", "postgres")
LOCK_S = 20
"""``ttl`` of deploy/ha/patroni.yml."""
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
    three.start()
    three.until(three.is_well)
    return Fleet(engine, f"School {next(_schools)}", three.urls, three.certificate)


def served_again(three: Cluster, fleet: Fleet, since: float, what: str) -> None:
    """Wait until every gate is, from here on; say how long one had to wait since that moment."""
    asked = time.monotonic()
    three.until(lambda: fleet.served_since(asked), within_s=90)
    print(f"\n{what}: {fleet.outage_s(since):.1f} s")


@pytest.mark.parametrize("parts", [("postgres",), ()], ids=["database", "machine"])
def test_a_primary_dies(three: Cluster, fleet: Fleet, parts: tuple[str, ...]) -> None:
    """Its database, or its whole machine with the centre and the way in on it: the standby goes on with everything."""
    with fleet.busy():
        three.until(lambda: fleet.served_since(0))
        primary, since = three.worst_to_lose(), time.monotonic()
        primary.kill(*parts)
        served_again(three, fleet, since, f"primary's {parts[0] if parts else 'machine'} killed")
        assert three.primary() is not primary


def test_a_primary_stands_still(three: Cluster, fleet: Fleet) -> None:
    """Its machine holds all connections and says nothing; when it goes on, it is no primary any more."""
    with fleet.busy():
        three.until(lambda: fleet.served_since(0))
        primary, since = three.worst_to_lose(), time.monotonic()
        primary.freeze()
        try:
            served_again(three, fleet, since, "primary's machine frozen")
        finally:
            primary.thaw()
        three.until(lambda: three.is_well() and three.leader() is not primary)


def test_two_primaries_acknowledge_no_more_than_one(three: Cluster, fleet: Fleet) -> None:
    """One whose Patroni hangs keeps taking writes, but no commit returns there."""
    with fleet.busy():
        three.until(lambda: fleet.served_since(0))
        primary, since = three.primary(), time.monotonic()
        primary.freeze("patroni")
        try:
            three.until(lambda: three.leader() not in (None, primary))
            served_again(three, fleet, since, "primary's Patroni frozen")
            commit = Commit(primary)  # before its successor is promoted, a commit may return: it is there, too
            commit.join(3 * Commit.TIMEOUT_S)
            assert commit.is_alive()
        finally:
            primary.thaw("patroni")
        commit.join(60)
        assert isinstance(commit.error, psycopg.OperationalError)
        three.until(lambda: three.is_well() and three.leader() is not primary)


def test_a_standby_is_lost(three: Cluster, fleet: Fleet) -> None:
    """The one that has everything: the other takes its place, and the primary stays."""
    with fleet.busy():
        three.until(lambda: fleet.served_since(0))
        primary, since = three.primary(), time.monotonic()
        three.standby().kill(*DATABASE)
        served_again(three, fleet, since, "synchronous standby killed")
        assert three.primary() is primary


def test_with_one_copy_nothing_is_acknowledged(three: Cluster, fleet: Fleet) -> None:
    """Both standbys are lost: the gates keep their scans until one is back, and no time limit ends that."""
    with fleet.busy():
        three.until(lambda: fleet.served_since(0))
        primary = three.primary()
        others = [each for each in three.machines if each is not primary]
        for each in others:
            each.kill(*DATABASE)
        since, failed = time.monotonic(), [gate.failed for gate in fleet.gates]
        commit = Commit(primary)
        three.until(lambda: all(gate.failed > before + 1 for gate, before in zip(fleet.gates, failed, strict=True)))
        assert not [begun for gate in fleet.gates for begun, _ in gate.told if begun > since]
        assert commit.is_alive()
        three.start()
        served_again(three, fleet, time.monotonic(), "a standby started again")
        commit.join(10)
        assert commit.error is None


def test_a_centre_dies(three: Cluster, fleet: Fleet) -> None:
    """The other serves its gates, too."""
    with fleet.busy():
        three.until(lambda: fleet.served_since(0))
        since = time.monotonic()
        three.machines[0].kill("centre")
        served_again(three, fleet, since, "a centre killed")


def test_the_leader_of_etcd_dies(three: Cluster, fleet: Fleet) -> None:
    """The other two elect one, and the primary stays."""
    with fleet.busy():
        three.until(lambda: fleet.served_since(0))
        primary, leader, since = three.primary(), three.etcd_leader(), time.monotonic()
        assert leader is not None
        leader.kill("etcd")
        three.until(three.etcd_leader)
        served_again(three, fleet, since, "leader of etcd killed")
        assert three.primary() is primary


def test_all_of_etcd_dies(three: Cluster, fleet: Fleet) -> None:
    """The primary goes on beyond the life of its lock, as long as it reaches all the others."""
    with fleet.busy():
        three.until(lambda: fleet.served_since(0))
        since = time.monotonic()
        for machine in three.machines:
            machine.kill("etcd")
        three.until(lambda: fleet.served_since(since + LOCK_S + 10), within_s=90)
        print(f"\netcd killed: {fleet.outage_s(since):.1f} s")
        three.start()
        three.until(three.is_well)


def test_a_centre_that_knows_all_hosts(three: Cluster, engine: Engine) -> None:
    """With several hosts in its URL it needs neither pooler nor proxy."""
    three.start()
    three.until(three.is_well)
    with three.machines[2].another_centre(database_url(three.machines)) as url:
        fleet = Fleet(engine, f"School {next(_schools)}", [url], three.certificate)
        with fleet.busy():
            three.until(lambda: fleet.served_since(0))
            primary, since = three.primary(), time.monotonic()
            primary.kill("postgres")
            served_again(three, fleet, since, "primary's postgres killed, several hosts in the URL")
            assert three.primary() is not primary


class Commit(threading.Thread):
    """Tries to write something at one machine.

    Attributes:
        error: why it did not, once the thread has ended.
    """

    TIMEOUT_S = 1

    def __init__(self, machine: Machine) -> None:
        super().__init__(daemon=True)
        self._url = database_url([machine])
        self.error: psycopg.Error | None = None
        self.start()

    def run(self) -> None:
        try:
            with psycopg.connect(self._url) as connection:
                connection.execute(f"SET statement_timeout = '{self.TIMEOUT_S}s'")
                connection.execute("CREATE TABLE IF NOT EXISTS of_a_test (number int)")
                connection.execute("INSERT INTO of_a_test VALUES (1)")
        except psycopg.Error as error:
            self.error = error
