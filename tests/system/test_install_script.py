"""What the installer says before it does anything. What it does: tests/system/test_systemd.py."""

import configparser
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from attendance.ops import guardian

Say = Callable[..., "subprocess.CompletedProcess[str]"]

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy/systemd/attendance-system.service"
IMPLY_NO_NEW_PRIVILEGES = (
    *("NoNewPrivileges", "SystemCallFilter", "SystemCallArchitectures", "RestrictAddressFamilies"),
    *("RestrictNamespaces", "PrivateDevices", "ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs"),
    *("ProtectClock", "MemoryDenyWriteExecute", "RestrictRealtime", "RestrictSUIDSGID", "DynamicUser"),
    *("LockPersonality", "ProtectHostname"),
)
"""In a service with a ``User``; source: systemd.exec(5)."""


@pytest.fixture
def say() -> Iterator[Say]:
    """Run the script as nobody: it could not install anything if it tried."""
    with tempfile.TemporaryDirectory() as folder:
        readable = Path(folder)
        shutil.copytree(ROOT / "scripts", readable / "scripts")
        subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []

        def said(*words: str) -> "subprocess.CompletedProcess[str]":
            command = [*nobody, "bash", str(readable / "scripts/install_kiosk.sh"), *words]
            return subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)

        yield said


def test_a_dry_run_says_what_it_would_do_and_does_nothing(say: Say) -> None:
    """Anybody may look, root or not. The gate stands still when the environment is made, and not before."""
    done = say("--dry-run")
    assert done.returncode == 0, done.stderr
    steps = done.stdout.splitlines()
    assert all(step.startswith(("would run: ", "would write: ")) for step in steps)
    order = ["make_environment", "/etc/sudoers.d/", "systemctl stop", "copy_files", "use_environment"]
    order += ["system.conf.d", "systemctl enable", "daemon-reexec"]
    found = [next(number for number, step in enumerate(steps) if word in step) for word in order]
    assert found == sorted(found)


def test_without_root_it_refuses_and_says_how(say: Say) -> None:
    """Before anything is touched."""
    done = say()
    assert done.returncode == 1
    assert "sudo bash scripts/install_kiosk.sh" in done.stderr


def test_an_unknown_option_is_no_installation(say: Say) -> None:
    """A typing error in --dry-run must not install."""
    done = say("--dryrun")
    assert done.returncode == 1
    assert "--dryrun" in done.stderr
    assert done.stdout == ""


def test_the_unit_lets_sudo_work_and_never_gives_up() -> None:
    """Nothing in it forbids new privileges, and there is no start limit."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[method-assign,assignment]
    unit.read(UNIT)
    assert not set(unit["Service"]) & set(IMPLY_NO_NEW_PRIVILEGES)
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
    wanted = {"Type": "notify", "NotifyAccess": "main", "WatchdogSec": "15", "Restart": "always"}
    assert wanted.items() <= dict(unit["Service"]).items()


def test_the_guardian_waits_as_long_as_systemd() -> None:
    """One set of times, whoever supervises."""
    seconds = dict(re.findall(r"^(WatchdogSec|TimeoutStartSec|TimeoutStopSec)=(\d+)$", UNIT.read_text(), re.M))
    assert {name: float(value) for name, value in seconds.items()} == {
        "WatchdogSec": guardian.WATCHDOG_S,
        "TimeoutStartSec": guardian.START_S,
        "TimeoutStopSec": guardian.STOP_S,
    }
