"""Keys of earlier configurations that have no effect here: dropped with a warning, so that an old file still starts."""

from fnmatch import fnmatchcase

from attendance.config.catalogue import Tree, known

_OLD_CLOUD = "The earlier cloud provider is not used; everything stays on the device."
_NO_LINK = "Messages carry no link."
_NO_SMS = "The texts are those of the `…_template` keys, as they stand."

RETIRED = {
    "image_processing": "Photos are kept as the camera took them; no step alters a face.",
    "lighting": "The face checks measure the light; photos are not altered.",
    "camera_recovery": "A lost camera is tried again for ever, with growing pauses.",
    "offline_mode": "The gate always works offline first.",
    "network_timeouts": "The network is never in the way of a scan; its limits are fixed.",
    "schedule_validation": "The schedule's rules always apply; each outcome is a named decision.",
    "admin_dashboard": "The office uses the gate's own pages and `attendance` commands.",
    "alerts.*": "`alerts.receivers` says who is told, and the problems of /health of what.",
    "shutdown": "A stop loses nothing, so there is no state to save.",
    "metrics.export_format": "Both forms are always there: JSON in a file, Prometheus' at /metrics.",
    "power_button": "The system's own power button handling does this.",
    "photo.preview_draw_crop_box": "The screen shows the plain live view.",
    "photo.use_high_res_still": "The photo is the best frame of the moment of the scan; a still would be later.",
    "photo.still_*": "The photo is the best frame of the moment of the scan; a still would be later.",
    "school_schedule.auto_detect_session": "The session always follows from the time of the scan.",
    **dict.fromkeys(("cloud.provider", "cloud.url", "cloud.api_key", "cloud.device_id"), _OLD_CLOUD),
    **dict.fromkeys(("cloud.sync_on_capture", "cloud.*_sync", "cloud.cleanup_photos_after_sync"), _OLD_CLOUD),
    **dict.fromkeys(("cloud.offline_queue_size", "cloud.retry_*", "cloud.circuit_breaker_*"), _OLD_CLOUD),
    "disk_monitor.photo_dir": "Photos lie in data/photos.",
    "disk_monitor.log_dir": "`logging.log_dir` says where logs lie.",
    "disk_monitor.photo_max_size_mb": "`disk_monitor.photo_retention_days` limits what photos take.",
    "rgb_led.use_full_brightness": "`rgb_led.brightness` says it.",
    "logging.outputs": "Logs go to `logging.log_dir` and to the system's journal.",
    "logging.performance": "Durations are part of /health.",
    "logging.audit": "The ledger is the audit trail.",
    "logging.business_metrics": "`attendance report` counts.",
    "sms_notifications.send_*": "`sms_notifications.notification_preferences` says what is told.",
    "sms_notifications.templates": _NO_SMS,
    "sms_notifications.use_signed_urls": _NO_LINK,
    "sms_notifications.signed_url_expiry_hours": _NO_LINK,
    "sms_notifications.attendance_view_url": _NO_LINK,
    "sms_notifications.retry_*": "A message is tried until it is sent or `rate_limiting.expire_after_minutes` old.",
    "sms_notifications.include_unsubscribe": _NO_SMS,
    "sms_notifications.unsubscribe_text": _NO_SMS,
    "sms_notifications.server_templates_enabled": _NO_SMS,
    "sms_notifications.school_name": "`school.name` says it.",
}
"""Pattern of the key's path to the reason. A section's name drops the whole section."""

RETIRED_VARIABLES = {
    "SUPABASE_URL": _OLD_CLOUD,
    "SUPABASE_KEY": _OLD_CLOUD,
    "URL_SIGNING_SECRET": _NO_LINK,
    "RECOGNITION_TOLERANCE": "Faces are checked for quality, never recognised.",
    "DUPLICATE_WINDOW": "`school_schedule.duplicate_scan_cooldown_minutes` says it.",
}
"""Environment variable of the earlier system to the reason."""


_OF_DEVICE = ("device_id", "device_name", "location")
"""Keys that earlier files have at the top; now in ``device``."""


def move(tree: Tree) -> Tree:
    """The tree with the device's keys where they belong; what ``device`` says itself wins."""
    device = tree.get("device", {})
    moved = {name: tree[name] for name in _OF_DEVICE if name in tree}
    if not moved or not isinstance(device, dict):
        return tree
    rest = {name: value for name, value in tree.items() if name not in moved}
    return rest | {"device": moved | device}


def drop(tree: Tree) -> tuple[Tree, list[str]]:
    """The tree without its retired keys, and a sentence for each of them."""
    warnings: list[str] = []
    cloud = tree.get("cloud")
    if isinstance(cloud, dict) and "provider" in cloud:  # its switch meant that provider, not the centre
        tree = tree | {"cloud": {name: value for name, value in cloud.items() if name != "enabled"}}
    return _drop(tree, "", warnings), warnings


def _drop(tree: Tree, parent: str, warnings: list[str]) -> Tree:
    kept = {}
    for name, value in tree.items():
        path = f"{parent}{name}"
        reason = None if known(path) else _reason(path)
        if reason:
            warnings.append(f"{path} has no effect: {reason}")
        else:
            kept[name] = _drop(value, f"{path}.", warnings) if isinstance(value, dict) else value
    return kept


def _reason(path: str) -> str | None:
    return next((reason for pattern, reason in RETIRED.items() if fnmatchcase(path, pattern)), None)
