"""What the centre has decided: a layer between the file and the environment, which never keeps a gate from starting."""

import json
from pathlib import Path
from typing import Any

import pytest

from attendance.config import FaultyConfig, Loaded, Paths, Settings, check_decided, load

EVENING = {
    "start_time": "18:00",
    "end_time": "21:00",
    "login_window_start": "17:30",
    "login_window_end": "18:30",
    "logout_window_start": "20:30",
    "logout_window_end": "21:30",
}


def place(tmp_path: Path, written: dict[str, Any], decided: object) -> Paths:
    """A gate with a file of its own and something that the centre has decided."""
    file = tmp_path / "config.json"
    file.write_text(json.dumps(written))
    (tmp_path / "centre-settings.json").write_text(decided if isinstance(decided, str) else json.dumps(decided))
    return Paths(tmp_path, tmp_path, file)


def loaded(tmp_path: Path, written: dict[str, Any], decided: object, environ: dict[str, str] | None = None) -> Loaded:
    return load(place(tmp_path, written, decided), environ or {})


def test_the_centre_stands_between_the_file_and_the_environment(tmp_path: Path) -> None:
    """It wins over the file, key by key, and the environment over it; each value tells where it is from."""
    written = {"buzzer": {"enabled": False, "gpio_pin": 22}}
    decided = {"buzzer": {"enabled": True}, "logging": {"level": "ERROR"}}
    found = loaded(tmp_path, written, decided, {"LOG_LEVEL": "DEBUG"})
    assert (found.settings.buzzer.enabled, found.settings.buzzer.gpio_pin) == (True, 22)
    assert found.settings.logging.level == "DEBUG"
    assert (found.origins["buzzer.enabled"], found.origins["buzzer.gpio_pin"]) == ("centre", "file")
    assert found.origins["logging.level"] == "LOG_LEVEL"


def test_a_schedule_is_replaced_whole(tmp_path: Path) -> None:
    """A class that only the file names is none any more."""
    decided = {"school_schedule": {"morning_class": None, "afternoon_class": None, "evening_class": EVENING}}
    found = loaded(tmp_path, {"school_schedule": {"night_class": EVENING}}, decided)
    assert list(found.settings.school_schedule.sessions) == ["evening"]


@pytest.mark.parametrize(
    "decided",
    ["{", "[]", {"buzzer": {"gpio_pin": "left"}}, {"school": {"name": "${SECRET}"}}, {"no_such": {"key": 1}}],
    ids=["torn", "no object", "faulty", "asks for a secret", "unknown"],
)
def test_what_is_faulty_has_no_effect(tmp_path: Path, decided: object) -> None:
    """The gate starts as its own file says, with a warning."""
    found = loaded(tmp_path, {"school": {"name": "Rizal"}}, decided, {"SECRET": "s"})
    assert found.settings == Settings.model_validate({"school": {"name": "Rizal"}})
    assert "centre-settings.json has no effect" in found.warnings[-1]


def test_faults_of_the_own_file_are_told_as_ever(tmp_path: Path) -> None:
    """They are not hidden behind the centre's."""
    with pytest.raises(FaultyConfig, match=r"config\.json"):
        loaded(tmp_path, {"buzzer": {"gpio_pin": "left"}}, {})


def test_a_decision_is_checked_before_it_is_taken(tmp_path: Path) -> None:
    """Together with the gate's own file: two ports may be right each alone."""
    paths = place(tmp_path, {"sms_webhook": {"port": 9000}}, {})
    assert check_decided(paths, {"health_endpoint": {"port": 9001}}, {}).health_endpoint.port == 9001
    for decided in ({"health_endpoint": {"port": 9000}}, {"school": {"name": "${HOME}"}}):
        with pytest.raises(FaultyConfig):
            check_decided(paths, decided, {})
