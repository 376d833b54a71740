"""The installed gate under a real systemd: whatever happens to it, it works again within half a minute."""

import json
import re
import shutil
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from container import ROOT, Container, NotPossible, prepare

pytestmark = pytest.mark.slow

Eventually = Callable[..., None]
HOME = Path("opt/attendance")
PROMISED_S = 30.0
FAKETIME = """[Service]
Environment=LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1
Environment=FAKETIME_TIMESTAMP_FILE=/opt/attendance/data/faketime FAKETIME_CACHE_DURATION=1
Environment=FAKETIME_DONT_FAKE_MONOTONIC=1
"""


class InstalledGate:
    """A gate that ``install_kiosk.sh`` has set up, without a camera."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.port, webhook = _free_port(), _free_port()
        config = {
            "health_endpoint": {"port": self.port, "host": "127.0.0.1"},
            "sms_webhook": {"port": webhook, "host": "127.0.0.1"},
            "camera": {"source": "v4l2:77"},
        }
        self.config = self.inside("config/config.json")
        self.config.parent.mkdir(parents=True)
        self.config.write_text(json.dumps(config))
        self.installed = container.run("bash", "/src/scripts/install_kiosk.sh")
        site = next(self.inside(".venv/lib").glob("python3*")) / "site-packages"
        shutil.copy(ROOT / "tests/system/faults.py", site / "attendance_faults.py")
        (site / "attendance_faults.pth").write_text("import attendance_faults\n")
        self.ctl("restart")

    def inside(self, path: str) -> Path:
        """A path of the installation, seen from here."""
        return self.container.root / HOME / path

    def ctl(self, verb: str) -> str:
        return self.container.run("systemctl", verb, "attendance-system")

    def show(self, key: str) -> str:
        return self.container.run("systemctl", "show", "-P", key, "attendance-system").strip()

    def fault(self, name: str, text: str = "now") -> None:
        (self.inside("data") / f"fault-{name}").write_text(text)

    def journal(self) -> str:
        return self.container.run("journalctl", "-u", "attendance-system", "--no-pager", "-o", "cat")

    def get(self, path: str) -> Any:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)
        except OSError:
            return {}

    def works(self) -> bool:
        return bool(self.get("/ping").get("status") == "ok" and self.show("ActiveState") == "active")

    def works_after(self, former: str) -> bool:
        """Another process than ``former`` does the work."""
        return self.show("MainPID") not in ("0", former) and self.works()

    def entries(self, kind: str) -> list[str]:
        log = self.inside("data/logs/watchdog_restarts.log")
        return re.findall(rf"^\S+ {kind}: .*", log.read_text() if log.exists() else "", re.M)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledGate]:
    container = None
    try:
        try:
            prepare()
            container = Container(tmp_path_factory.mktemp("systemd"))
            container.boot()
        except NotPossible as reason:
            pytest.skip(str(reason))
        yield InstalledGate(container)
    finally:
        if container is not None:
            container.shut_down()


@pytest.fixture(autouse=True)
def _working(gate: InstalledGate, eventually: Eventually) -> None:
    eventually(gate.works, within_s=30)


def test_it_is_ready_without_a_camera_and_stays_so(gate: InstalledGate) -> None:
    """A camera that is missing at boot is a problem on the health page and no reason to restart anything."""
    process = gate.show("MainPID")
    until = time.monotonic() + 40  # longer than every deadline: this is the claim
    while time.monotonic() < until:
        assert gate.works()
        time.sleep(1)
    assert gate.get("/health/components")["camera"]["state"] == "missing"
    assert "camera-missing" in [problem["code"] for problem in gate.get("/health")["problems"]]
    assert gate.show("MainPID") == process
    assert gate.show("NRestarts") == "0"
    assert gate.get("/health/components")["watchdog"]["total_restarts"] == 0


def test_installing_again_changes_nothing_that_was_set(gate: InstalledGate, eventually: Eventually) -> None:
    """The configuration and the data stay; the gate runs the new program."""
    config, process = gate.config.read_text(), gate.show("MainPID")
    gate.container.run("bash", "/src/scripts/install_kiosk.sh")
    eventually(lambda: gate.works_after(process), within_s=PROMISED_S)
    assert gate.config.read_text() == config
    assert gate.container.run("stat", "-c", "%U %a", "/opt/attendance/data").strip() == "attendance 750"
    assert gate.container.run("stat", "-c", "%U", "/opt/attendance/attendance/clock.py").strip() == "root"
    assert gate.entries("unclean end") == []


def test_the_gate_may_restart_itself_and_nothing_else(gate: InstalledGate) -> None:
    """The one line in sudoers, and a sandbox that lets sudo work."""
    listed = gate.container.run("sudo", "-l", "-U", "attendance")
    assert re.findall(r"NOPASSWD: (.*)", listed) == ["/usr/bin/systemctl restart attendance-system"]
    inside = ["nsenter", "-t", gate.show("MainPID"), "-m", "--"]
    as_gate = ["setpriv", "--reuid=attendance", "--regid=attendance", "--init-groups"]
    said = gate.container.run(*inside, *as_gate, "sudo", "-n", "systemctl", "stop", "attendance-system", check=False)
    assert "a password is required" in said
    said = gate.container.run(*inside, *as_gate, "touch", "/opt/attendance/attendance_system.py", check=False)
    assert "cannot touch" in said


@pytest.mark.parametrize("fault", ["hold", "stop", "kill"])
def test_it_works_again_within_half_a_minute(gate: InstalledGate, eventually: Eventually, fault: str) -> None:
    """A call that holds the interpreter, a stopped process, a kill: systemd notices and starts it, and the next start
    enters it in the list of restarts."""
    process, before = gate.show("MainPID"), len(gate.entries("unclean end"))
    began = time.monotonic()
    if fault == "hold":
        gate.fault("hold")
    else:
        gate.container.run("kill", f"-{fault.upper()}", process)
    eventually(lambda: gate.works_after(process), within_s=PROMISED_S)
    print(f"{fault}: works again after {time.monotonic() - began:.1f} s")
    assert f"process {process} ended without stopping" in gate.entries("unclean end")[-1]
    assert len(gate.entries("unclean end")) == before + 1
    eventually(lambda: gate.get("/health/components")["watchdog"]["total_restarts"] >= before + 1)


def test_a_hang_leaves_its_stacks_in_the_journal(gate: InstalledGate, eventually: Eventually) -> None:
    """systemd ends it by SIGABRT, upon which the fault handler says where every thread was."""
    process = gate.show("MainPID")
    gate.fault("hold")
    eventually(lambda: gate.works_after(process), within_s=PROMISED_S)
    assert re.search(r'File ".*attendance_faults.py", line \d+ in obey', gate.journal())


def test_a_crash_loop_ends_in_a_working_gate(gate: InstalledGate, eventually: Eventually) -> None:
    """Seven crashes, each just after the start: no start limit leaves the gate dead."""
    before, began = len(gate.entries("unclean end")), time.monotonic()
    gate.fault("crash", "7")
    eventually(lambda: len(gate.entries("unclean end")) == before + 7, within_s=90)
    eventually(gate.works, within_s=PROMISED_S)
    print(f"seven crashes: works again after {time.monotonic() - began:.1f} s")
    assert gate.show("StartLimitIntervalUSec") == "0"


def test_a_part_that_hangs_is_restarted_by_the_documented_command(gate: InstalledGate, eventually: Eventually) -> None:
    """The main loop lives on, so only the watchdog inside can know; its sudo line works in the unit's sandbox. One
    restart is one entry."""
    process, total = gate.show("MainPID"), gate.get("/health/components")["watchdog"]["total_restarts"]
    gate.fault("stall", "display")
    eventually(lambda: gate.works_after(process), within_s=120)
    [entry] = gate.entries("watchdog restart")
    assert "display silent for" in entry
    assert "sudo systemctl restart attendance-system" in entry
    eventually(lambda: gate.get("/health/components")["watchdog"]["total_restarts"] == total + 1)


def test_steps_of_the_clock_restart_nothing(gate: InstalledGate, eventually: Eventually) -> None:
    """An hour forward, as when network time comes, and two back. Only the gate's wall clock is moved."""
    offset = gate.inside("data/faketime")
    offset.write_text("+0")
    drop_in = gate.container.root / "etc/systemd/system/attendance-system.service.d/faketime.conf"
    drop_in.parent.mkdir()
    drop_in.write_text(FAKETIME)
    gate.container.run("systemctl", "daemon-reload")
    gate.ctl("restart")
    eventually(gate.works, within_s=30)
    process, total = gate.show("MainPID"), gate.get("/health/components")["watchdog"]["total_restarts"]
    told = set()
    for step in ("+1h", "-1h"):
        offset.write_text(step)
        until = time.monotonic() + 35  # longer than every deadline: this is the claim
        while time.monotonic() < until:
            assert gate.works()
            told.add(gate.get("/ping")["timestamp"][:13])
            time.sleep(1)
    assert len(told) >= 3, "the clock did not move"
    assert (gate.show("MainPID"), gate.get("/health/components")["watchdog"]["total_restarts"]) == (process, total)


def test_the_journal_has_what_the_documents_look_for(gate: InstalledGate) -> None:
    """``journalctl -u attendance-system | grep "Health endpoint"`` and ``… "SMS webhook"`` find lines."""
    journal = gate.journal()
    assert "Health endpoint" in journal
    assert "SMS webhook" in journal


def test_a_clean_stop_is_quick_and_no_entry(gate: InstalledGate, eventually: Eventually) -> None:
    """``systemctl stop`` ends it in two seconds with code 0; the next start has nothing to tell."""
    before = len(gate.entries("unclean end"))
    began = time.monotonic()
    gate.ctl("stop")
    assert time.monotonic() - began < 3
    assert (gate.show("Result"), gate.show("ExecMainStatus")) == ("success", "0")
    gate.ctl("start")
    eventually(gate.works, within_s=30)
    assert len(gate.entries("unclean end")) == before
