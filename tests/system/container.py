"""A Debian of its own with a real systemd, in which the gate is installed as on a Raspberry Pi."""

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
CACHE = Path.home() / ".cache/attendance-tests"
DEBIAN = "bookworm"
PACKAGES = ("systemd", "systemd-sysv", "dbus", "python3", "python3-venv", "procps", "sudo", "faketime")
TOOLS = {"mmdebstrap": "mmdebstrap", "systemd-nspawn": "systemd-container"}
BOOT_S = 60.0


class NotPossible(Exception):
    """There can be no such container here; the reason is for a person."""


class Container:
    """A booted root file system in ``folder``; the checkout is at ``/src`` in it. It shares the host's network."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "rootfs"
        self._console = folder / "console.log"
        self._wheels = _wheels()
        subprocess.run(["cp", "-a", "--reflink=auto", str(_debian()), str(self.root)], check=True)
        self._nspawn: subprocess.Popen[bytes] | None = None

    def boot(self) -> None:
        options = ["--register=no", "--keep-unit", "--console=pipe", f"--bind-ro={ROOT}:/src"]
        with self._console.open("wb") as console:
            self._nspawn = subprocess.Popen(
                ["systemd-nspawn", "-q", "-D", str(self.root), *options, f"--bind-ro={self._wheels}:/wheels", "-b"],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        deadline = time.monotonic() + BOOT_S
        while self.run("systemctl", "is-system-running", check=False).strip() not in ("running", "degraded"):
            if time.monotonic() > deadline or self._nspawn.poll() is not None:
                raise NotPossible(f"the container does not boot: {self._console.read_text(errors='replace')[-2000:]}")
            time.sleep(0.2)

    def run(self, *command: str, check: bool = True) -> str:
        """What a command says inside, as root."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
        environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels"}
        done = subprocess.run(
            ["nsenter", "-t", str(self._leader()), "-m", "-p", "-u", "-i", "--", "env", "-C", "/", *command],
            capture_output=True,
            text=True,
            env=environment,
            timeout=300,
            check=False,
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def shut_down(self) -> None:
        if self._nspawn is None or self._nspawn.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError, IndexError):
            os.kill(self._leader(), signal.SIGRTMIN + 4)
        try:
            self._nspawn.wait(30)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait()

    def _leader(self) -> int:
        """The host's number of the process that is 1 inside."""
        assert self._nspawn is not None
        children = psutil.Process(self._nspawn.pid).children()
        return children[0].pid if children else self._nspawn.pid


def prepare() -> None:
    """The tools are there, installed if need be.

    Raises:
        NotPossible: and why.
    """
    if os.geteuid() != 0:
        raise NotPossible("containers need root: run the tests as root")
    missing = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise NotPossible(f"{', '.join(missing)} are missing, and there is no apt-get to install them")
    _checked(["apt-get", "update", "-qq"])
    _checked(["apt-get", "install", "-y", "-qq", *missing])


def _debian() -> Path:
    """A root file system with nothing of ours, made once per machine."""
    key = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:8]
    made = CACHE / f"{DEBIAN}-{key}"
    if not made.is_dir():
        unfinished = made.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        _checked(["mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", DEBIAN, str(unfinished)])
        unfinished.rename(made)
    return made


def _wheels() -> Path:
    """The gate's packages for Debian's Python, so that the container needs no internet; fetched once per machine."""
    requirements = ROOT / "requirements.txt"
    made = CACHE / f"wheels-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:8]}"
    if not made.is_dir():
        unfinished = made.with_suffix(".new")
        command = [sys.executable, "-m", "pip", "download", "-q", "-d", str(unfinished), "-r", str(requirements)]
        _checked([*command, "--only-binary=:all:", "--python-version", "3.11", "setuptools>=77", "wheel"])
        unfinished.rename(made)
    return made


def _checked(command: Sequence[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        raise NotPossible(f"{' '.join(command[:3])} …: {done.stderr[-500:]}")
