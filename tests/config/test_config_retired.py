"""A configuration of the earlier system starts this one: what has no effect here is named and dropped."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attendance.config import Loaded, Paths, Settings, load, masked
from attendance.config.catalogue import known
from attendance.config.load import plain
from attendance.config.retired import RETIRED

ROOT = Path(__file__).parents[2]
FaultsOf = Callable[..., dict[str, tuple[str, str]]]
Load = Callable[..., Loaded]
EARLIER: dict[str, Any] = {
    "device_id": "${DEVICE_ID}",
    "device_name": "North gate",
    "location": {"building": "Main", "floor": "1", "room": "", "description": "by the flagpole"},
    "camera": {
        "index": 0,
        "force_opencv": True,
        "resolution": {"width": 1280, "height": 720},
        "picamera": {"exposure": {"mode": "auto", "manual_exposure_us": 10000}, "awb": {"mode": "auto"}},
    },
    "photo": {
        "preview_draw_crop_box": True,
        "use_high_res_still": True,
        "still_resolution": {"width": 1640, "height": 1232},
        "still_settle_ms": 700,
        "jpeg_quality": 90,
    },
    "image_processing": {"denoise_enabled": True, "denoise_hColor": 10, "clahe_clip_limit": 2.0},
    "lighting": {"enabled": True, "low_light_mode": "off"},
    "logging": {"level": "INFO", "log_dir": "logs", "outputs": {"syslog": {}}, "audit": {"enabled": True}},
    "school_schedule": {"auto_detect_session": True, "require_logout": True},
    "schedule_validation": {"enabled": True, "fail_open_on_error": True},
    "cloud": {
        "enabled": True,
        "provider": "supabase",
        "url": "${SUPABASE_URL}",
        "api_key": "${SUPABASE_KEY}",
        "device_id": "${DEVICE_ID}",
        "sync_interval": 60,
        "sync_on_capture": True,
        "offline_queue_size": 1000,
        "retry_attempts": 3,
        "retry_delay": 30,
        "circuit_breaker_threshold": 5,
        "roster_sync": {"sync_time": "06:00"},
        "schedule_sync": {"enabled": True},
    },
    "offline_mode": {"enabled": True, "queue_limit": 1000},
    "network_timeouts": {"connect_timeout": 5, "supabase_read_timeout": 10},
    "camera_recovery": {"max_init_retries": 3},
    "disk_monitor": {"photo_max_size_mb": 500, "photo_dir": "data/photos", "log_dir": "data/logs"},
    "buzzer": {"enabled": True, "gpio_pin": 17, "qr_detected_pattern": [100, 50, 100]},
    "rgb_led": {
        "enabled": True,
        "gpio_pins": {"red": 22, "green": 27, "blue": 18},
        "colors": {"error": [255, 0, 0]},
        "brightness": 100,
        "use_full_brightness": True,
    },
    "power_button": {"enabled": False, "gpio_pin": 3},
    "alerts": {"enabled": True, "webhook": {"auth_header": "${ALERT_TOKEN}"}},
    "shutdown": {"timeout": 30},
    "metrics": {"enabled": True, "export_format": "prometheus"},
    "admin_dashboard": {"enabled": False, "api_key": "${DASHBOARD_KEY}"},
    "sms_notifications": {
        "enabled": "false",
        "username": "${SMS_USERNAME}",
        "password": "${SMS_PASSWORD}",
        "device_id": "${SMS_DEVICE_ID}",
        "api_url": "${SMS_API_URL}",
        "use_signed_urls": True,
        "signed_url_expiry_hours": 48,
        "attendance_view_url": "https://example.com/?student_id={student_id}",
        "login_message_template": "{student_name} arrived at {time}",
        "send_on_capture": True,
        "send_late_alerts": True,
        "notification_preferences": {"check_in": True, "weekly_summary": False},
        "quiet_hours": {"enabled": True, "start": "22:00", "end": "06:00"},
        "duplicate_sms_cooldown_minutes": 5,
        "retry_on_failure": True,
        "retry_attempts": 3,
        "include_unsubscribe": True,
        "unsubscribe_text": "Reply STOP",
        "rate_limiting": {"enabled": True, "max_per_minute": 10, "max_per_hour": 60},
    },
}


def test_an_earlier_configuration_starts_this_gate(load_tree: Load) -> None:
    """What still has a meaning keeps it, without a single fault."""
    settings = load_tree(EARLIER, {"DEVICE_ID": "device_001"}).settings
    assert settings.device.device_id == "device_001"
    assert settings.device.location.description == "by the flagpole"
    assert (settings.camera.resolution.width, settings.photo.jpeg_quality) == (1280, 90)
    assert settings.sms_notifications.enabled is False
    assert settings.sms_notifications.login_message_template == "{student_name} arrived at {time}"


def test_the_earlier_cloud_s_switch_does_not_stop_ours(load_tree: Load) -> None:
    """Its "enabled" spoke of another provider."""
    earlier = EARLIER | {"cloud": {**EARLIER["cloud"], "enabled": False}}
    assert load_tree(earlier, {"DEVICE_ID": "x"}).settings.cloud.enabled is True


def test_our_own_switch_is_believed(load_tree: Load) -> None:
    """Without a provider, ``cloud.enabled`` is the centre's."""
    assert load_tree({"cloud": {"enabled": False}}).settings.cloud.enabled is False


def test_each_key_without_effect_is_named_once(load_tree: Load) -> None:
    """A section that is gone is one warning, a key in a living section one of its own."""
    warnings = load_tree(EARLIER, {"DEVICE_ID": "x", "SUPABASE_URL": "https://x"}).warnings
    named = [warning.partition(" ")[0] for warning in warnings]
    assert len(named) == len(set(named))
    for path in ("image_processing", "photo.still_settle_ms", "cloud.roster_sync", "SUPABASE_URL"):
        assert path in named
    assert "camera.index" not in named


def test_a_living_section_of_an_odd_kind_is_still_a_fault(faults_of: FaultsOf) -> None:
    """Moving and dropping old keys must survive any kind of value."""
    assert faults_of({"cloud": 5, "device": [], "device_id": "x", "photo": "y"}).keys() >= {"cloud", "device", "photo"}


def test_a_slip_in_a_living_key_is_not_taken_for_an_old_one(faults_of: FaultsOf) -> None:
    """``cloud.enabeld`` is a fault, not a warning."""
    assert "did you mean cloud.enabled?" in faults_of({"cloud": {"enabeld": True}})["cloud.enabeld"][1]


@pytest.mark.parametrize("pattern", RETIRED)
def test_nothing_that_works_is_called_retired(pattern: str) -> None:
    """A key is either in the settings or without effect."""
    assert known(pattern) is None


def test_the_shipped_configuration_says_every_default(tmp_path: Path) -> None:
    """It is complete, and starting without it is the same as with it."""
    loaded = load(Paths(tmp_path, tmp_path, ROOT / "config/config.json", config_chosen=True), {})
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"file"}
    assert loaded.warnings == ()


def test_masked_settings_show_no_secret(load_tree: Load) -> None:
    """Neither tokens and passwords nor the login of a camera; an empty secret is seen to be empty."""
    tree = {
        "sms_notifications": {"password": "hunter2", "username": "hunter2"},
        "screen": {"token": "hunter2"},
        "camera": {"source": "rtsp://gate:hunter2/@@10.0.0.7/live"},
    }
    settings = load_tree(tree).settings
    shown = masked(settings)
    assert "hunter2" not in str(shown)
    assert "hunter2" not in repr(settings).replace(settings.camera.source, "")
    assert shown["camera"]["source"] == "rtsp://***@10.0.0.7/live"
    assert shown["health_endpoint"]["token"] == ""
    assert plain(settings)["screen"]["token"] == "hunter2"
