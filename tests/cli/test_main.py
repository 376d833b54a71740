"""The command line's frame: verbs, exit codes, and what people read when something fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from attendance.cli import main

ROOT = Path(__file__).parents[2]


def attendance(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, in an empty home."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "ATTENDANCE_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-m", "attendance", *words], capture_output=True, text=True, env=environ, timeout=60
    )


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    file = tmp_path / "faulty.json"
    file.write_text('{"camera": {"fps": "fast"}}')
    return file


@pytest.mark.parametrize("verb", [["students", "list"], ["report", "day"], ["run", "--headless"], ["cards", "key"]])
def test_a_faulty_configuration_stops_every_verb(verb: list[str], faulty: Path, tmp_path: Path) -> None:
    """Exit code 2, the fault on stderr, and not a file made."""
    done = attendance(*verb, "--config", str(faulty), home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "camera.fps" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["faulty.json"]


def test_options_without_a_verb_are_those_of_run(faulty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``attendance --headless …`` runs the gate, as the start script does."""
    assert main(["--headless", "--config", str(faulty)]) == 2
    assert "camera.fps" in capsys.readouterr().err


def test_an_unknown_verb_is_wrong_use(tmp_path: Path) -> None:
    """Exit code 2 and the verbs there are."""
    done = attendance("fly", home=tmp_path)
    assert done.returncode == 2
    assert "students" in done.stderr


def test_a_refused_input_is_one_message_and_exit_code_1(tmp_path: Path) -> None:
    """A file that is not there is named, without a traceback."""
    done = attendance("students", "import", "missing.csv", home=tmp_path)
    assert done.returncode == 1
    assert "missing.csv" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_the_package_s(tmp_path: Path) -> None:
    """``--version`` says it and nothing else."""
    from attendance import __version__

    assert attendance("--version", home=tmp_path).stdout == f"attendance {__version__}\n"


def test_a_reader_that_stops_early_is_no_error(tmp_path: Path) -> None:
    """``attendance students list | head -0`` ends without a word on stderr."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "ATTENDANCE_HOME": str(tmp_path)}
    command = f"{sys.executable} -m attendance students list | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environ, timeout=60)
    assert done.stderr == ""


def test_a_verb_loads_neither_vision_nor_web(tmp_path: Path) -> None:
    """Help is quick on a small board: the heavy libraries stay out."""
    code = "import sys; from attendance.cli import _parser; _parser('--help'); print(*sys.modules)"
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ, check=True)
    assert {"cv2", "numpy", "flask", "pydantic"}.isdisjoint(done.stdout.split())
