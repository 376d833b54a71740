"""Faults: all of them at once, each with its place, what is allowed and what was probably meant; never a secret."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attendance.config import FaultyConfig, Loaded, Paths, Settings, load

FaultsOf = Callable[..., dict[str, tuple[str, str]]]
Load = Callable[..., Loaded]


def test_every_fault_is_named_at_once(faults_of: FaultsOf) -> None:
    """Seven faults of seven kinds in seven sections are seven lines."""
    found = faults_of(
        {
            "camera": {"fps": "fast"},
            "photo": {"jpeg_quality": 101},
            "school": {"timezone": "Asia/Manilla"},
            "screen": {"allow": ["10.0.0.0/8", "everybody"]},
            "watchdog": {"enabled": "yes please"},
            "device": 7,
            "sms_webhok": {},
        }
    )
    assert found.keys() == {
        "camera.fps",
        "photo.jpeg_quality",
        "school.timezone",
        "screen.allow[1]",
        "watchdog.enabled",
        "device",
        "sms_webhok",
    }


def test_a_fault_says_what_is_there_and_what_is_allowed(faults_of: FaultsOf) -> None:
    """The bounds come from the setting itself."""
    assert faults_of({"camera": {"fps": 500}})["camera.fps"] == ("500", "a number, 1 to 120")


def test_the_message_is_a_table_of_all_faults(load_tree: Load) -> None:
    """What a person reads names the file, each path, each value and what may stand there."""
    with pytest.raises(FaultyConfig) as refused:
        load_tree({"camera": {"fps": 0}, "photo": {"jpeg_quality": 5}})
    message = str(refused.value)
    assert "2 faults" in message
    assert "config.json" in message
    for word in ("camera.fps", "1 to 120", "photo.jpeg_quality", "30 to 100"):
        assert word in message


@pytest.mark.parametrize(
    ("tree", "path", "meant"),
    [
        ({"camera": {"fsp": 3}}, "camera.fsp", "camera.fps"),
        ({"school_schedule": {"duplicate_scan_cooldown": 5}}, None, "school_schedule.duplicate_scan_cooldown_minutes"),
        ({"school_schedule": {"morning_class": {"start": "07:00"}}}, None, "school_schedule.morning_class.start_time"),
        ({"heath_endpoint": {}}, "heath_endpoint", "health_endpoint"),
        ({"jpeg_quality": 90}, "jpeg_quality", "photo.jpeg_quality"),
        ({"morning_class": {}}, "morning_class", "school_schedule.morning_class"),
        ({"camera": {"FPS": 3}}, "camera.FPS", "camera.fps"),
    ],
)
def test_an_unknown_key_is_answered_with_the_one_that_was_meant(
    tree: dict[str, Any], path: str | None, meant: str, faults_of: FaultsOf
) -> None:
    """A slip of the keyboard, an old short name, and a key one level too high are recognised."""
    found = faults_of(tree)
    allowed = found[path][1] if path else next(iter(found.values()))[1]
    assert f"did you mean {meant}?" in allowed


def test_a_key_like_no_other_gets_no_suggestion(faults_of: FaultsOf) -> None:
    """A guess that is none would send people the wrong way."""
    assert "did you mean" not in faults_of({"camera": {"xyzzy": 3}})["camera.xyzzy"][1]


def test_an_unknown_key_s_value_is_not_shown(load_tree: Load) -> None:
    """It may be a misspelt secret."""
    with pytest.raises(FaultyConfig) as refused:
        load_tree({"sms_notifications": {"pasword": "hunter2"}})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "tree",
    [
        {"sms_notifications": {"password": ["hunter2"]}},
        {"sms_notifications": {"password": {"is": "hunter2"}}},
        {"sms_notifications": "hunter2"},
        {"screen": {"token": ["hunter2"]}},
        {"health_endpoint": {"token": "hunter2" * 100}},
        {"camera": {"source": "http://gate:hunter2@10.0.0.7/live"}},
    ],
)
def test_a_faulty_secret_is_masked(tree: dict[str, Any], load_tree: Load) -> None:
    """A secret of the wrong kind or length, one in a section of the wrong kind, and a login in an address."""
    with pytest.raises(FaultyConfig) as refused:
        load_tree(tree)
    assert "hunter2" not in str(refused.value)


def test_a_key_written_twice_is_a_fault(load_text: Load) -> None:
    """JSON would silently take the last; nobody knows which one was meant."""
    with pytest.raises(FaultyConfig) as refused:
        load_text('{"camera": {"fps": 15, "index": 0, "fps": 30}, "buzzer": {}, "buzzer": {}}')
    assert [fault.path for fault in refused.value.faults] == ["buzzer", "camera.fps"]


def test_a_mistake_in_json_is_shown_with_its_line(load_text: Load) -> None:
    """File, line, column, the text of the line, but not the secret in it."""
    with pytest.raises(FaultyConfig) as refused:
        load_text('{\n  "sms_notifications": {\n    "password": "hunter2" "x": 1\n  }\n}\n')
    message = str(refused.value)
    assert "line 3, column 27" in message
    assert '"password": "***"' in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[1, 2]", id="a list"),
        pytest.param(b"7", id="a number"),
        pytest.param(b'{"camera": {"fps": NaN}}', id="NaN"),
        pytest.param(b'{"camera": {"fps": 1e999}}', id="infinite"),
        pytest.param(b'{"camera": {"index": ' + b"1" * 5000 + b"}}", id="huge number"),
        pytest.param(b'{"a":' * 100_000, id="deep"),
        pytest.param(b'{"school": {"name": "\xff\xfe"}}', id="not UTF-8"),
        pytest.param('{"camera": {"fps": 30}}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b"\x00" * 2000, id="NULs"),
        pytest.param(b"{" * 10_000_000, id="10 MB"),
        pytest.param(b'{"camera": null}', id="a section that is null"),
        pytest.param(b'{"": 1, "a.b": {"c": 2}}', id="odd keys"),
    ],
)
def test_whatever_a_file_holds_it_is_a_fault_in_words(content: bytes, load_text: Load) -> None:
    """Not a traceback, and a message that any terminal can print."""
    with pytest.raises(FaultyConfig) as refused:
        load_text(content)
    assert str(refused.value).encode("utf-8")


@pytest.mark.parametrize("content", ['{"\\ud800": 1}', '{"school": {"name": "\\ud800"}}'])
def test_half_a_character_is_called_that(content: str, load_text: Load) -> None:
    """JSON can write one, but no terminal, file or database takes it."""
    with pytest.raises(FaultyConfig, match="whole characters"):
        load_text(content)


def test_a_directory_is_no_configuration(tmp_path: Path) -> None:
    """``--config`` with a directory says so."""
    with pytest.raises(FaultyConfig, match="not a directory"):
        load(Paths(tmp_path, tmp_path, tmp_path, config_chosen=True), {})


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    """A slip in ``--config`` must not start a gate with defaults."""
    with pytest.raises(FaultyConfig, match=r"nowhere\.json"):
        load(Paths(tmp_path, tmp_path, tmp_path / "nowhere.json", config_chosen=True), {})


def test_a_byte_order_mark_is_no_fault(load_text: Load) -> None:
    """Editors on Windows write one."""
    assert load_text(b"\xef\xbb\xbf" + json.dumps({"camera": {"fps": 15}}).encode()).settings.camera.fps == 15


@pytest.mark.parametrize(
    ("tree", "word"),
    [
        ({"health_endpoint": {"port": 9000}, "sms_webhook": {"port": 9000}}, "different ports"),
        ({"buzzer": {"enabled": True, "gpio_pin": 6}, "rgb_led": {"enabled": True}}, "different pins"),
        ({"rgb_led": {"gpio_pins": {"red": 6}}}, "different pins"),
        ({"disk_monitor": {"critical_threshold_percent": 20}}, "less than"),
        ({"vision": {"thresholds": {"brightness_low": 0.9}}}, "brightness_high"),
    ],
)
def test_settings_that_cannot_go_together_are_a_fault(tree: dict[str, Any], word: str, faults_of: FaultsOf) -> None:
    """Each alone is fine; the message says what is wrong with both."""
    assert any(word in allowed for _, allowed in faults_of(tree).values())


def test_ports_may_be_equal_when_one_is_off(load_tree: Load) -> None:
    """Only what is served can collide."""
    tree = {"health_endpoint": {"port": 9000}, "sms_webhook": {"port": 9000, "enabled": False}}
    assert load_tree(tree).settings.sms_webhook.port == 9000


def test_settings_cannot_be_changed() -> None:
    """What was checked is what holds."""
    with pytest.raises(ValueError, match="frozen"):
        Settings().camera.fps = 5  # type: ignore[misc]
