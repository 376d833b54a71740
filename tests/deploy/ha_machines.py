"""Machines on loopback, each an address, with what deploy/ha puts on them; only addresses and paths are others."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from ha_programs import Programs, as_nobody, let_in

ROOT = Path(__file__).parents[2]
DELIVERED = ROOT / "deploy/ha"
HTTPS_PORT = 8443
"""Below 1024 only root may listen."""
_PASSWORD = "not-a-secret"
_UNKNOWN_HERE = re.compile(r"^    (user|group|log) .*\n", re.M)


class Machine:
    """One of them.

    Attributes:
        name: n1, n2 or n3.
        network: the first three numbers of its address.
    """

    def __init__(self, number: int, network: str, folder: Path, programs: Programs, certificate: Path) -> None:
        self.name, self.network, self.folder = f"n{number}", network, folder / f"n{number}"
        self.address = f"{network}.1{number}"
        self._programs = programs
        self._certificate = certificate
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._wanted: set[str] = set()
        self._data = self.folder / "postgresql"
        self.folder.mkdir()
        for each in ("run", "files"):
            (self.folder / each).mkdir()
            let_in(self.folder / each)
        let_in(self.folder)
        self._write()

    def start(self, *parts: str) -> None:
        """Run these parts, unless they run. From the main thread: what a thread starts ends with it."""
        self._wanted.update(parts)
        self.tend()

    def tend(self) -> None:
        """Run again what ended without being killed here."""
        for part in self._wanted:
            if part not in self._processes or self._processes[part].poll() is not None:
                self._processes[part] = self._start(part)

    def kill(self, *parts: str) -> None:
        """As a power cut does, all at once: everything, or ``parts``; ``postgres`` is the database without Patroni."""
        self._wanted -= set(parts or self._wanted)
        victims = self._of(parts)
        for number in (signal.SIGSTOP, signal.SIGKILL):  # nobody sees the others die and says goodbye
            _send(victims, number)
        for part in parts or list(self._processes):
            if part in self._processes:
                self._processes[part].wait(10)
        psutil.wait_procs(victims, 10)

    def freeze(self, *parts: str) -> None:
        """Everything stands still, and holds its connections."""
        _send(self._of(parts), signal.SIGSTOP)

    def thaw(self, *parts: str) -> None:
        _send(self._of(parts), signal.SIGCONT)

    def patroni(self, path: str) -> Any:
        """What Patroni says there; ``None``: nothing."""
        return _asked(f"http://{self.address}:8008/{path}")

    def etcd(self) -> tuple[str, str]:
        """The number of its etcd, and that of the leader; empty: nothing is said there."""
        said = _asked(f"http://{self.address}:2379/v3/maintenance/status", b"{}")
        return (said["header"]["member_id"], said.get("leader", "")) if said else ("", "")

    def hand_etcd_to(self, other: "Machine") -> None:
        """Let another machine lead etcd, if this one does."""
        said = json.dumps({"targetID": other.etcd()[0]}).encode()
        _asked(f"http://{self.address}:2379/v3/maintenance/transfer-leadership", said)

    def serves(self) -> bool:
        """Whether its centre reaches the database."""
        return _asked(f"http://{self.address}:8600/readyz") is not None

    def psql(self, file: Path) -> None:
        """Run a file of SQL here as the superuser."""
        words = [str(self._programs.path("psql")), "--no-psqlrc", f"--host={self.address}", "--username=postgres"]
        subprocess.run(
            [*words, "--set=ON_ERROR_STOP=1", f"--set=password={_PASSWORD}", f"--file={file}", "postgres"],
            env={**self._programs.environment(), "PGPASSWORD": _PASSWORD},
            check=True,
            capture_output=True,
            timeout=30,
        )

    def log(self, part: str) -> str:
        file = self.folder / f"{part}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def _of(self, parts: Iterable[str]) -> list[psutil.Process]:
        """The processes of these parts, of all if there are none, each before its children."""
        parts = tuple(parts) or (*self._processes, "postgres")
        roots = [self._processes[part].pid for part in parts if part in self._processes]
        pid_file = self._data / "postmaster.pid"
        if "postgres" in parts and pid_file.exists():
            roots.append(int(pid_file.read_text().split()[0]))
        found = {}
        for pid in roots:
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                if process.name() != "postgres" or str(self._data) in " ".join(process.cmdline()):
                    found |= {each.pid: each for each in (process, *process.children(recursive=True))}
        return list(found.values())

    def _start(self, part: str) -> subprocess.Popen[bytes]:
        own = self.folder / "etc"
        match part:
            case "etcd":
                return self._programs.start(["etcd"], self.folder, _variables(own / "etcd.env"))
            case "patroni":
                words = ["patroni", str(own / "patroni.yml")]
                return self._programs.start(words, self.folder, _variables(own / "patroni.env"))
            case "haproxy":
                return self._programs.start(["haproxy", "-db", "-f", str(own / "haproxy.cfg")], self.folder, {})
            case "pgbouncer":
                return self._programs.start(["pgbouncer", str(own / "pgbouncer.ini")], self.folder, {})
        return self._centre(self.address, _variables(own / "centre.env"))

    @contextmanager
    def another_centre(self, database: str) -> Iterator[str]:
        """One more here, on an address that no proxy knows: its URL."""
        address = f"{self.network}.99"
        process = self._centre(address, {"ATTENDANCE_CENTRE_DATABASE": database})
        try:
            url = f"http://{address}:8600"
            while _asked(f"{url}/readyz") is None:
                assert process.poll() is None, self.log("centre")
                time.sleep(0.1)
            yield url
        finally:
            _send([*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)], signal.SIGKILL)
            process.wait()

    def _centre(self, address: str, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """``attendance fleet serve`` as the service has it."""
        service = (self.folder / "etc/attendance-centre.conf").read_text().replace("\\\n", " ")
        command = re.search(r"^ExecStart=\S+/attendance (.*)$", service, re.M)
        assert command is not None
        words = shlex.split(command[1].replace(f"--host {self.address}", f"--host {address}"))
        with (self.folder / "centre.log").open("ab") as log:
            return subprocess.Popen(
                [*as_nobody(stay=True), sys.executable, "-m", "attendance", *words, "--workers=1"],
                cwd=self.folder.parent,
                env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
                stdout=log,
                stderr=log,
            )

    def _write(self) -> None:
        own = self.folder / "etc"
        own.mkdir()
        for file in DELIVERED.iterdir():
            if file.suffix != ".md":
                (own / file.name).write_text(self._adapted(file))
        (own / "userlist.txt").write_text(f'"attendance" "{_PASSWORD}"\n')
        (own / "attendance.pem").write_bytes(self._certificate.read_bytes())

    def _adapted(self, file: Path) -> str:
        text = file.read_text()
        if file.suffix in (".env", ".conf"):
            text = re.sub(r"(_NAME=)n1", rf"\g<1>{self.name}", text)
            text = re.sub(r"(?<!n1=http://)(?<!proxy )10\.20\.0\.11", self.address, text)
        if file.suffix == ".cfg":
            text = _UNKNOWN_HERE.sub("", text)
        bin_dir = self._programs.path("postgres").parent
        for there, here in (
            ("10.20.0.0/24", "127.0.0.0/8"),
            ("127.0.0.1:", f"{self.address}:"),
            ("= 127.0.0.1", f"= {self.address}"),
            ("host=127.0.0.1", f"host={self.address}"),
            ("10.20.0.1", f"{self.network}.1"),
            ("bind :443", f"bind {self.address}:{HTTPS_PORT}"),
            ("/usr/lib/postgresql/15/bin", str(bin_dir)),
            ("/var/lib/postgresql/15/attendance", str(self._data)),
            ("/var/lib/postgresql", str(self.folder)),
            ("/var/lib/etcd", str(self.folder / "etcd")),
            ("/var/run/postgresql", str(self.folder / "run")),
            ("/var/log/postgresql", str(self.folder / "run")),
            ("maxconn 4000", "maxconn 200"),
            ("/run/haproxy", str(self.folder / "run")),
            ("/etc/haproxy", str(self.folder / "etc")),
            ("/etc/pgbouncer", str(self.folder / "etc")),
            ("/srv/attendance", str(self.folder.parent / "shared")),
        ):
            text = text.replace(there, here)
        return re.sub(r"CHANGE_ME_\d", _PASSWORD, text)


def database_url(machines: Iterable[Machine]) -> str:
    """The database without pooler and proxy, wherever its primary is."""
    hosts = ",".join(f"{machine.address}:5432" for machine in machines)
    return f"postgresql://attendance:{_PASSWORD}@{hosts}/attendance?connect_timeout=3&tcp_user_timeout=10000"


def _variables(file: Path) -> dict[str, str]:
    lines = (line for line in file.read_text().splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def _send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _asked(url: str, said: bytes | None = None) -> Any:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, said), timeout=3) as answer:
            return json.load(answer)
    except (OSError, urllib.error.URLError, ValueError):
        return None
