"""Layers: defaults, then the file, then the environment; placeholders; switches that say what they mean."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attendance.config import Loaded, Paths, Settings, load

FaultsOf = Callable[..., dict[str, tuple[str, str]]]
Load = Callable[..., Loaded]


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    """The default file may be missing."""
    loaded = load(Paths(tmp_path, tmp_path, tmp_path / "config/config.json"), {})
    assert loaded.settings == Settings()
    assert loaded.source is None
    assert set(loaded.origins.values()) == {"default"}


def test_a_file_changes_only_what_it_says(load_tree: Load) -> None:
    """One key of a nested object leaves its neighbours at their defaults."""
    camera = load_tree({"camera": {"resolution": {"width": 1280}}}).settings.camera
    assert (camera.resolution.width, camera.resolution.height, camera.fps) == (1280, 480, 30)


def test_the_environment_wins_over_the_file(load_tree: Load) -> None:
    """The general name wins over the documented one, that over the file; the origin is told."""
    tree = {"camera": {"index": 1}, "logging": {"level": "ERROR"}}
    environ = {"CAMERA_INDEX": "2", "LOG_LEVEL": "debug", "ATTENDANCE__CAMERA__INDEX": "3"}
    loaded = load_tree(tree, environ)
    assert (loaded.settings.camera.index, loaded.settings.logging.level) == (3, "DEBUG")
    assert loaded.origins["camera.index"] == "ATTENDANCE__CAMERA__INDEX"
    assert loaded.origins["logging.level"] == "LOG_LEVEL"
    assert loaded.origins["camera.fps"] == "default"


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("DEVICE_ID", "gate-7", lambda s: s.device.device_id == "gate-7"),
        ("SMS_ENABLED", "true", lambda s: s.sms_notifications.enabled is True),
        ("SMS_USERNAME", "u", lambda s: s.sms_notifications.username == "u"),
        ("SMS_PASSWORD", "[p", lambda s: s.sms_notifications.password == "[p"),
        ("SMS_DEVICE_ID", "d", lambda s: s.sms_notifications.device_id == "d"),
        ("SMS_API_URL", "https://x", lambda s: s.sms_notifications.api_url == "https://x"),
        ("CAMERA_INDEX", "2", lambda s: s.camera.index == 2),
        ("CAMERA_RESOLUTION_WIDTH", "800", lambda s: s.camera.resolution.width == 800),
        ("CAMERA_RESOLUTION_HEIGHT", "600", lambda s: s.camera.resolution.height == 600),
        ("LOG_LEVEL", "WARNING", lambda s: s.logging.level == "WARNING"),
        ("ATTENDANCE__SCREEN__ALLOW", '["10.0.0.0/8"]', lambda s: s.screen.allow == ("10.0.0.0/8",)),
        (
            "ATTENDANCE__SCHOOL_SCHEDULE__MORNING_CLASS__START_TIME",
            "08:15",
            lambda s: str(s.school_schedule.sessions["morning"].start_time) == "08:15:00",
        ),
    ],
)
def test_each_variable_sets_its_key(name: str, value: str, read: Callable[[Settings], bool], load_tree: Load) -> None:
    """The documented names, a list as JSON, and a key of a class session."""
    assert not read(load_tree({}).settings)
    assert read(load_tree({}, {name: value}).settings)


def test_an_unknown_variable_is_a_fault_that_names_it(faults_of: FaultsOf) -> None:
    """A misspelt override must not be lost silently."""
    found = faults_of({}, {"ATTENDANCE__CAMERA__FSP": "15"})
    assert "did you mean camera.fps?" in found["camera.fsp (from ATTENDANCE__CAMERA__FSP)"][1]


def test_a_faulty_variable_is_named(faults_of: FaultsOf) -> None:
    """People must know that it is not the file that is wrong."""
    assert faults_of({}, {"LOG_LEVEL": "LOUD"}).keys() == {"logging.level (from LOG_LEVEL)"}


def test_an_empty_variable_counts_as_not_set(load_tree: Load) -> None:
    """Service files often pass empty ones along."""
    assert load_tree({"camera": {"index": 4}}, {"CAMERA_INDEX": ""}).settings.camera.index == 4


def test_an_override_inside_something_that_is_no_object_is_a_fault(faults_of: FaultsOf) -> None:
    """It can't be set, so it is not dropped silently either."""
    tree = {"school_schedule": {"morning_class": None}}
    name = "ATTENDANCE__SCHOOL_SCHEDULE__MORNING_CLASS__START_TIME"
    assert faults_of(tree, {name: "08:00"}).keys() == {f"school_schedule.morning_class.start_time (from {name})"}


SWITCHES: list[tuple[Any, bool]] = [
    *((word, True) for word in (True, "true", "True", "TRUE", "yes", "on", "1")),
    *((word, False) for word in (False, "false", "False", "FALSE", "no", "off", "0")),
]


@pytest.mark.parametrize(("written", "meant"), SWITCHES)
def test_a_switch_says_what_it_means(written: object, meant: bool, load_tree: Load) -> None:
    """Above all, the text "false" is false."""
    assert load_tree({"sms_notifications": {"enabled": written}}).settings.sms_notifications.enabled is meant


@pytest.mark.parametrize("written", ["yes please", "", "2", 1, 0, None, [], 0.0])
def test_anything_else_is_no_switch(written: object, faults_of: FaultsOf) -> None:
    """Neither a number nor half a sentence is taken for true."""
    assert faults_of({"sms_notifications": {"enabled": written}})["sms_notifications.enabled"][1] == "true or false"


def test_sms_stays_off_when_the_environment_says_false(load_tree: Load) -> None:
    """``SMS_ENABLED=false`` turns it off even where the file turned it on."""
    loaded = load_tree({"sms_notifications": {"enabled": True}}, {"SMS_ENABLED": "false"})
    assert loaded.settings.sms_notifications.enabled is False


@pytest.mark.parametrize("written", [True, False, "3.5", 3.5, "three", None])
def test_a_count_is_a_whole_number(written: object, faults_of: FaultsOf) -> None:
    """In particular, true is not 1."""
    assert "camera.index" in faults_of({"camera": {"index": written}})


def test_placeholders_are_filled_from_the_environment(load_tree: Load) -> None:
    """Whole values, parts of values, numbers and list items."""
    tree = {
        "device": {"device_id": "${SCHOOL}-gate-${GATE}"},
        "camera": {"fps": "${FPS}"},
        "screen": {"allow": ["${OFFICE}"]},
    }
    settings = load_tree(tree, {"SCHOOL": "mnhs", "GATE": "2", "FPS": "15", "OFFICE": "10.1.1.5"}).settings
    assert (settings.device.device_id, settings.camera.fps, settings.screen.allow) == ("mnhs-gate-2", 15, ("10.1.1.5",))


def test_a_placeholder_s_value_is_not_searched_for_more(load_tree: Load) -> None:
    """A password may look like a placeholder."""
    tree = {"sms_notifications": {"enabled": True, "password": "${SECRET}"}}
    assert load_tree(tree, {"SECRET": "a${HOME}b"}).settings.sms_notifications.password == "a${HOME}b"


@pytest.mark.parametrize(
    "tree",
    [
        {"device": {"device_id": "${NOT_SET}"}},
        {"camera": {"fps": "${NOT_SET}"}},
        {"screen": {"allow": ["${NOT_SET}"]}},
        {"sms_notifications": {"enabled": True, "password": "${NOT_SET}"}},
        {"health_endpoint": {"token": "${NOT_SET}"}},
        {"sms_notifications": {"enabled": "${NOT_SET}"}},
    ],
)
def test_an_unset_placeholder_is_one_fault_that_names_it(tree: dict[str, Any], faults_of: FaultsOf) -> None:
    """The text itself must never be taken for the value."""
    [(_, allowed)] = faults_of(tree).values()
    assert "NOT_SET" in allowed


def test_an_unset_placeholder_in_a_feature_that_is_off_is_empty(load_tree: Load) -> None:
    """Whether it is off by default, in the file, or by the environment."""
    tree = {"sms_notifications": {"password": "${A}"}, "sms_webhook": {"enabled": "false", "auth_token": "${B}"}}
    settings = load_tree(
        tree | {"health_endpoint": {"token": "${C}"}}, {"ATTENDANCE__HEALTH_ENDPOINT__ENABLED": "no"}
    ).settings
    assert (
        settings.sms_notifications.password == settings.sms_webhook.auth_token == settings.health_endpoint.token == ""
    )


def test_a_variable_makes_a_placeholder_of_the_same_key_unneeded(load_tree: Load) -> None:
    """What is overridden need not be filled."""
    tree = {"device": {"device_id": "${NOT_SET}"}}
    assert load_tree(tree, {"DEVICE_ID": "gate-3"}).settings.device.device_id == "gate-3"
