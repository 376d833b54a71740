"""Two centres over one database and one folder are one centre; a centre that is told to stop finishes what it began."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from scans import ledger, scan
from served_centre import Caller, ServedCentre, exchange, heartbeat


@pytest.fixture
def pair(database_url: str, tmp_path: Path) -> Iterator[tuple[ServedCentre, ServedCentre]]:
    one, two = (ServedCentre(tmp_path, database_url, workers=1) for _ in range(2))
    yield one, two
    one.stop()
    two.stop()


def test_replicas_are_one_centre(pair: tuple[ServedCentre, ServedCentre]) -> None:
    """A gate enrols at one, sends to the other, and each scan is there once, whichever answers."""
    one, two = pair
    here = one.gate(one.school())
    there, own = Caller(two.url, here.token), ledger()
    items = [scan(own) for _ in range(20)]

    def send(caller: Caller) -> None:
        for item in items:
            answer = caller.ask("POST", "/sync", {"items": [item]})
            assert answer.status == 200, answer.body

    threads = [threading.Thread(target=send, args=[caller]) for caller in (here, there)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    head = here.ask("POST", "/sync", {"items": [items[0]]}).json["heads"][0]
    assert (head["complete_to"], head["highest"], head["broken_at"]) == (20, 20, None)
    assert there.ask("GET", "/changes").status == 200


def test_a_replica_that_stops_loses_nothing(pair: tuple[ServedCentre, ServedCentre]) -> None:
    """While one is stopped in the middle of its work, what it acknowledged is at the other."""
    one, two = pair
    here, own = one.gate(one.school()), ledger()
    acknowledged = []
    stopping = threading.Timer(0.5, one.process.terminate)
    stopping.start()
    for _ in range(2000):
        item = scan(own)
        try:
            answer = here.ask("POST", "/sync", {"items": [item]})
        except OSError:
            break
        assert answer.status == 200, answer.body
        acknowledged.append(item)
    else:
        raise AssertionError("it did not stop")
    assert one.process.wait(40) == 0
    there = Caller(two.url, here.token)
    results = there.ask("POST", "/sync", {"items": acknowledged[-100:]}).json["results"]
    assert [each["result"] for each in results] == ["duplicate"] * len(results)


def test_without_its_database_a_centre_says_so(
    postgresql_server: str, postgresql_url: str, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    """503 with a time to come back, signed, and not ready for a load balancer; it recovers by itself."""
    served = ServedCentre(tmp_path, postgresql_url, workers=1)
    name = urlsplit(postgresql_url).path.strip("/")
    try:
        caller = served.gate(served.school())
        _let_nobody_in(postgresql_server, name)
        refused = caller.ask("POST", "/heartbeat", heartbeat())
        assert (refused.status, refused.code, refused.signed) == (503, "not-kept", True)
        assert int(refused.headers["retry-after"]) > 0
        assert exchange(served.url, "GET", "/readyz", None, {}).status == 503
        assert exchange(served.url, "GET", "/livez", None, {}).status == 200
        _administer(postgresql_server, f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
        eventually(lambda: caller.ask("POST", "/heartbeat", heartbeat()).status == 200)
    finally:
        served.stop()


def _let_nobody_in(server: str, name: str) -> None:
    _administer(server, f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
    _administer(server, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


def _administer(server: str, statement: str) -> None:
    with closing(psycopg.connect(server, autocommit=True)) as conn:
        conn.execute(statement)
