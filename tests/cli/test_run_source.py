"""What ``attendance run`` says to a source that can never work."""

from pathlib import Path

import pytest

from attendance.cli import main


@pytest.mark.parametrize("source", ["video:nowhere.avi", "images:nowhere"])
def test_a_file_that_cannot_be_played_stops_the_start(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that names it and exit code 1, rather than a gate that waits for pictures for ever."""
    monkeypatch.setenv("ATTENDANCE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--source", source, "--exit-at-end", "--headless"]) == 1
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert "nowhere" in said[0]
