"""The cluster that three machines form: who does what in it, and whether it is well."""

import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from certificates import self_signed
from ha_machines import DELIVERED, HTTPS_PORT, Machine
from ha_programs import Programs

_SYNC, _RUNNING = "sync_standby", "running"


class Cluster:
    """
    Attributes:
        machines: n1, n2 and n3; the first two have a centre and a way in.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "shared").mkdir()
        (folder / "tls").mkdir()
        self.certificate, key = self_signed(folder / "tls")
        both = folder / "tls/both.pem"
        both.write_bytes(self.certificate.read_bytes() + key.read_bytes())
        programs = Programs.copied(folder / "programs")
        # Of 127.0.0.0/8 all addresses are ours: another network for each run, and the ports stay as delivered.
        network = f"127.{random.randint(16, 250)}.{random.randint(0, 250)}"
        self.machines = [Machine(number, network, folder, programs, both) for number in (1, 2, 3)]
        self._parts = dict.fromkeys(("n1", "n2"), ("etcd", "patroni", "haproxy", "pgbouncer", "centre"))
        self._parts["n3"] = ("etcd", "patroni")

    @property
    def urls(self) -> list[str]:
        """Of the ways in."""
        return [f"https://{each.address}:{HTTPS_PORT}" for each in self.machines[:2]]

    def make(self) -> None:
        """From nothing, in the order of deploy/ha/README.md."""
        for machine in self.machines:
            machine.start("etcd")
        self.until(self.etcd_leader)
        for machine in self.machines:
            machine.start("patroni")
        self.until(self.is_whole)
        self.primary().psql(DELIVERED / "database.sql")
        self.start()
        self.until(self.is_well)

    def start(self) -> None:
        """Run again what was killed."""
        for machine in self.machines:
            machine.start(*self._parts[machine.name])

    def kill(self) -> None:
        for machine in self.machines:
            machine.kill()

    def roles(self) -> dict[str, str]:
        """What each machine's database is, if it runs, as any Patroni sees it."""
        for machine in self.machines:
            said = machine.patroni("cluster")
            if said is not None:
                return {each["name"]: each["role"] for each in said["members"] if each["state"] == _RUNNING}
        return {}

    def is_whole(self) -> bool:
        """A primary that holds the lock, a standby that has everything, and another one."""
        return sorted(self.roles().values()) == ["leader", "replica", _SYNC] and not any(map(_unlocked, self.machines))

    def is_well(self) -> bool:
        """And both centres reach it."""
        return self.is_whole() and all(each.serves() for each in self.machines[:2])

    def leader(self) -> Machine | None:
        """Who is primary, if anybody is."""
        return self._who("leader")

    def primary(self) -> Machine:
        leader = self.leader()
        assert leader is not None, self.roles()
        return leader

    def standby(self) -> Machine:
        """Which has everything."""
        standby = self._who(_SYNC)
        assert standby is not None, self.roles()
        return standby

    def etcd_leader(self) -> Machine | None:
        for machine in self.machines:
            number, leader = machine.etcd()
            if number and number == leader:
                return machine
        return None

    def worst_to_lose(self) -> Machine:
        """The primary, whose machine now leads etcd as well."""
        primary = self.primary()

        def leads() -> bool:
            leader = self.etcd_leader()
            if leader is not None and leader is not primary:
                leader.hand_etcd_to(primary)
            return leader is primary

        self.until(leads)
        return primary

    def until(self, condition: Callable[[], object], within_s: float = 120.0) -> None:
        """Wait; meanwhile what ends by itself is run again, as the services are."""
        deadline = time.monotonic() + within_s
        while not condition():
            for machine in self.machines:
                machine.tend()
            if time.monotonic() > deadline:
                raise AssertionError(f"It did not come true in {within_s:.0f} s; {self.roles()}\n{self._logs()}")
            time.sleep(0.1)

    def _who(self, role: str) -> Machine | None:
        roles = self.roles()
        return next((each for each in self.machines if roles.get(each.name) == role), None)

    def _logs(self) -> str:
        parts = ("etcd", "patroni", "haproxy", "pgbouncer", "centre")
        return "\n".join(f"--- {each.name} {part}\n{each.log(part)[-800:]}" for each in self.machines for part in parts)


def _unlocked(machine: Machine) -> bool:
    """Whether it knows of no lock, as for a while after etcd was away; the roles are then those from before."""
    said = machine.patroni("patroni")
    return said is None or any(said.get(name) for name in ("cluster_unlocked", "failsafe_mode_is_active"))


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A running one, gone afterwards with everything it kept."""
    folder = Path(tempfile.mkdtemp(prefix="ha-"))  # pytest's own is closed to everybody else
    folder.chmod(0o755)
    made = Cluster(folder)
    try:
        made.make()
        yield made
    finally:
        made.kill()
        shutil.rmtree(folder)
