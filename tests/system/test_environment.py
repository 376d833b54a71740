"""The Python environment of a checkout: made once, replaced only by a whole one."""

import os
import re
import shutil
import signal
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Eventually = Callable[..., None]

ROOT = Path(__file__).parents[2]
GATE = "import tiny; print('gate with', tiny.version)"
LATE = """
import pathlib, time, tiny
print("runs", flush=True)
while not pathlib.Path(__file__).with_name("go").exists():
    time.sleep(0.02)
import tiny.late
print(tiny.late.version)
"""
NOBODY_THERE = "http://127.0.0.1:9/"


class Checkout:
    """A program of one line that needs the package ``tiny``, with the scripts of this one.

    Its machine is offline: ``tiny`` comes from a folder or not at all.
    """

    def __init__(self, folder: Path, assets_dir: Path) -> None:
        self._assets_dir = assets_dir
        self.root = folder / "a checkout"
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        for name in ("scripts", "attendance"):
            shutil.copytree(ROOT / name, self.root / name, ignore=shutil.ignore_patterns("__pycache__"))
        (self.root / "attendance_system.py").write_text(GATE)
        self.require("1.0")
        self.offer("1.0")

    def require(self, version: str) -> None:
        (self.root / "requirements.txt").write_text(f"# what the gate runs on\ntiny=={version}\n")
        (self.root / "requirements-dev.txt").write_text("-r requirements.txt\n")

    def offer(self, version: str) -> None:
        about = {
            "METADATA": f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n",
            "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "RECORD": "",
        }
        with zipfile.ZipFile(self.wheels / f"tiny-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("tiny/__init__.py", f"version = '{version}'\n")
            wheel.writestr("tiny/late.py", f"version = '{version}'\n")
            for name, text in about.items():
                wheel.writestr(f"tiny-{version}.dist-info/{name}", text)

    def begin(self, *command: str) -> "subprocess.Popen[str]":
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        environment |= {"PIP_INDEX_URL": NOBODY_THERE, "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "0"}
        environment |= {"PIP_FIND_LINKS": self.wheels.as_uri(), "NOTIFY_SOCKET": "@nobody-hears"}
        environment |= {"ATTENDANCE_ASSETS": str(self._assets_dir)}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment, start_new_session=True)

    def prepare(self, file: str = "requirements.txt") -> "subprocess.Popen[str]":
        script = self.root / "scripts/environment.sh"
        return self.begin("bash", "-ec", f"source '{script}'; prepare_environment {file}")

    def prepared(self, file: str = "requirements.txt") -> bool:
        return ended(self.prepare(file))[0] == 0

    def start(self) -> tuple[int, str]:
        return ended(self.begin("bash", str(self.root / "scripts/start_attendance.sh")))

    @property
    def environment(self) -> Path:
        return (self.root / ".venv").resolve()

    def version(self) -> str:
        """Which ``tiny`` the environment has."""
        python = str(self.root / ".venv/bin/python")
        return ended(self.begin(python, "-c", "import tiny; print(tiny.version)"))[1].strip()


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    output, errors = process.communicate(timeout=120)
    return process.returncode, output + errors


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, assets_dir: Path) -> Checkout:
    checkout = Checkout(tmp_path_factory.mktemp("environment"), assets_dir)
    assert checkout.prepared()
    return checkout


@pytest.fixture
def checkout(first: Checkout) -> Iterator[Checkout]:
    """With an environment for ``tiny`` 1.0, and so it is left to the next test: making one takes seconds."""
    before = first.environment
    yield first
    link = first.root / ".venv"
    shutil.rmtree(link) if not link.is_symlink() else link.unlink()
    link.symlink_to(before)
    for other in before.parent.glob("[!.]*"):
        if other != before:
            shutil.rmtree(other)
    (first.wheels / "tiny-2.0-py3-none-any.whl").unlink(missing_ok=True)
    first.require("1.0")
    (first.root / "attendance_system.py").write_text(GATE)


def test_an_update_without_internet_leaves_a_gate_that_works(checkout: Checkout) -> None:
    """What an update wants cannot be had: the gate starts with what it has, and says so; nothing half done is left."""
    before = checkout.environment
    checkout.require("2.0")
    code, said = checkout.start()
    assert code == 0, said
    assert "gate with 1.0" in said
    assert "Is this machine online?" in said
    assert checkout.environment == before
    assert list(before.parent.glob("[!.]*")) == [before]


@pytest.mark.slow
def test_a_power_cut_while_packages_are_installed_leaves_the_former_whole(
    checkout: Checkout, eventually: Eventually
) -> None:
    """All that is half done is beside it, and the next start does it again."""
    before = checkout.environment
    checkout.require("2.0")
    checkout.offer("2.0")
    process = checkout.prepare()
    eventually(lambda: list(before.parent.glob("*/lib/python3*/site-packages/pip")) != [], within_s=60)
    eventually(lambda: len(list(before.parent.glob("*/bin/python"))) == 2, within_s=60)
    os.killpg(process.pid, signal.SIGKILL)
    ended(process)
    assert (checkout.environment, checkout.version()) == (before, "1.0")
    assert checkout.prepared()
    assert checkout.version() == "2.0"


@pytest.mark.slow
def test_a_gate_that_runs_keeps_its_packages(checkout: Checkout) -> None:
    """It imports some only when they are needed, after an update has put others in the place of its own."""
    (checkout.root / "attendance_system.py").write_text(LATE)
    gate = checkout.begin("bash", str(checkout.root / "scripts/start_attendance.sh"))
    assert gate.stdout is not None
    assert gate.stdout.readline() == "runs\n"
    checkout.require("2.0")
    checkout.offer("2.0")
    assert checkout.prepared()
    (checkout.root / "requirements-dev.txt").write_text("-r requirements.txt\ntiny\n")
    assert checkout.prepared("requirements-dev.txt")
    assert checkout.version() == "2.0"
    (checkout.root / "go").touch()
    assert ended(gate) == (0, "1.0\n")


@pytest.mark.slow
def test_what_the_tests_need_is_enough_for_the_gate(checkout: Checkout) -> None:
    """Going to and fro between them makes one environment, not two."""
    checkout.require("2.0")
    checkout.offer("2.0")
    assert checkout.prepared("requirements-dev.txt")
    shutil.rmtree(checkout.wheels)
    try:
        assert checkout.prepared()
    finally:
        checkout.wheels.mkdir()
        checkout.offer("1.0")


def test_only_what_is_installed_matters(checkout: Checkout) -> None:
    """A setting of a tool or a comment makes no new environment; neither does a start after tests."""
    before = checkout.environment
    (checkout.wheels / "tiny-1.0-py3-none-any.whl").rename(checkout.wheels / "away")
    (checkout.root / "pyproject.toml").write_text("[tool.ruff]\nline-length = 80\n")
    (checkout.root / "requirements.txt").write_text("# another comment\ntiny==1.0\n")
    assert checkout.prepared()
    assert checkout.environment == before
    (checkout.wheels / "away").rename(checkout.wheels / "tiny-1.0-py3-none-any.whl")


def test_an_environment_made_by_hand_is_replaced_when_another_is_whole(checkout: Checkout) -> None:
    """A folder ``.venv`` with whatever in it."""
    (checkout.root / ".venv").unlink()
    (checkout.root / ".venv/bin").mkdir(parents=True)
    assert checkout.prepared()
    assert checkout.version() == "1.0"


def test_the_command_is_that_of_the_checkout_wherever_it_is_called(checkout: Checkout, tmp_path: Path) -> None:
    """Another folder ``attendance`` in the working directory is not taken for it."""
    (tmp_path / "attendance").mkdir()
    (tmp_path / "attendance/__init__.py").write_text("raise SystemExit('the wrong one')")
    command = checkout.root / ".venv/bin/attendance"
    code, said = ended(checkout.begin("env", "-C", str(tmp_path), str(command), "--version"))
    assert code == 0, said
    assert re.fullmatch(r"attendance \S+\n", said)
