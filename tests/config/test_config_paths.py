"""Where things lie: one rule for home, configuration and data."""

from pathlib import Path

import pytest

from attendance.config import locate
from attendance.errors import ConfigError

NO_PACKAGE = Path("/nonexistent/attendance")


def test_attendance_home_comes_first(tmp_path: Path) -> None:
    """Even in a checkout."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "attendance_system.py").touch()
    paths = locate(environ={"ATTENDANCE_HOME": str(tmp_path)}, package=checkout / "attendance")
    assert paths.home == tmp_path
    assert paths.config_file == tmp_path / "config/config.json"
    assert paths.database == tmp_path / "data/attendance.db"


def test_then_the_checkout(tmp_path: Path) -> None:
    """Wherever the command is called from."""
    (tmp_path / "attendance_system.py").touch()
    assert locate(environ={}, package=tmp_path / "attendance").home == tmp_path


def test_then_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed command has no checkout."""
    monkeypatch.chdir(tmp_path)
    assert locate(environ={}, package=NO_PACKAGE).home == tmp_path


def test_a_home_that_is_none_is_refused(tmp_path: Path) -> None:
    """Data must not end up in a place that a slip invented."""
    with pytest.raises(ConfigError, match="ATTENDANCE_HOME"):
        locate(environ={"ATTENDANCE_HOME": str(tmp_path / "typo")}, package=NO_PACKAGE)


def test_what_the_command_line_names_is_relative_to_where_it_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with any command; the home does not matter."""
    monkeypatch.chdir(tmp_path)
    paths = locate("mine.json", "elsewhere", environ={"ATTENDANCE_HOME": "/"})
    assert (paths.config_file, paths.data_dir) == (tmp_path / "mine.json", tmp_path / "elsewhere")
    assert paths.config_chosen


@pytest.mark.parametrize(
    ("configured", "place"),
    [
        ("data/cards.key", "other/cards.key"),
        ("./data/cards.key", "other/cards.key"),
        ("data", "other"),
        ("database/x", "database/x"),
        ("logs", "logs"),
        ("/var/log/gate", "/var/log/gate"),
    ],
)
def test_only_what_begins_with_data_follows_the_data_directory(configured: str, place: str, tmp_path: Path) -> None:
    """Other relative paths lie in the home, absolute ones where they say."""
    paths = locate(None, str(tmp_path / "other"), environ={"ATTENDANCE_HOME": str(tmp_path)})
    assert paths.resolve(configured) == tmp_path / place
