"""Every metric that a gate keeps. ``docs/operations/metrics.md`` says what to do when one moves."""

from attendance.domain.scan import Refusal
from attendance.ops.metric import Label, Metric

SCANS_TOTAL = "scans_total"
SCANS_SUCCESS = "scans_success"
SCANS_FAILED = "scans_failed"
SCANS_NOT_RECORDED = "scans_not_recorded"
SMS_SENT = "sms_sent"
CLOUD_SYNC_SUCCESS = "cloud_sync_success"
FRAMES_PROCESSED = "frames_processed"
VISION_RESTARTS = "vision_restarts"
PHOTOS_KEPT = "photos_kept"
PHOTOS_FAILED = "photos_failed"
BACKUPS_MADE = "backups_made"
QR_SCAN_MS = "qr_scan_ms"
FACE_CAPTURE_MS = "face_capture_ms"
BACKUP_DURATION_MS = "backup_duration_ms"
PROBLEMS_ERROR = "problems_error"
PROBLEMS_WARNING = "problems_warning"
HEALTHY = "healthy"
CAMERA_HEALTHY = "camera_healthy"

_REFUSED = {
    Refusal.DUPLICATE: "Cards held up again within the cooldown.",
    Refusal.UNKNOWN_CARD: "Cards of nobody on the roster.",
    Refusal.REVOKED_CARD: "Cards that were called back.",
    Refusal.FORGED_CARD: "Cards whose signature is wrong.",
    Refusal.UNSIGNED_CARD: "Cards without a signature where one is required.",
    Refusal.WRONG_TIME: "Cards outside all sessions.",
    Refusal.WRONG_SESSION: "Cards of students of another session.",
    Refusal.NO_CLASSES: "Cards on a day without classes.",
}


def refused(refusal: Refusal) -> str:
    """The name of the counter of one kind of refusal."""
    return f"scans_refused_{refusal.value}"


def _counter(name: str, unit: str, text: str) -> Metric:
    return Metric(name, "counter", unit, text)


def _timing(name: str, text: str) -> Metric:
    return Metric(name, "timing", "ms", text)


def _gauge(name: str, unit: str, text: str) -> Metric:
    return Metric(name, "gauge", unit, text)


def _refusal(refusal: Refusal, text: str) -> Metric:
    label = Label("scans_refused", "Cards that were read and refused, by reason.", "reason", refusal.value)
    return Metric(refused(refusal), "counter", "scans", text, label)


_COUNTERS = (
    _counter(SCANS_TOTAL, "scans", "Cards read, whatever came of it."),
    _counter(SCANS_SUCCESS, "scans", "Cards read and recorded as attendance."),
    _counter(SCANS_FAILED, "scans", "Cards read and refused, or not recorded."),
    _counter(SCANS_NOT_RECORDED, "scans", "Cards read that the database could not record."),
    *(_refusal(refusal, text) for refusal, text in _REFUSED.items()),
    _counter(SMS_SENT, "messages", "Messages that the phone took."),
    _counter(CLOUD_SYNC_SUCCESS, "records", "Records that the centre took."),
    _counter(FRAMES_PROCESSED, "frames", "Pictures of the camera that were looked at."),
    _counter(VISION_RESTARTS, "restarts", "Vision processes that were replaced."),
    _counter(PHOTOS_KEPT, "photos", "Scans whose photo reached the disk."),
    _counter(PHOTOS_FAILED, "photos", "Photos that could not be written."),
    _counter(BACKUPS_MADE, "backups", "Backups made and checked."),
)
_TIMINGS = (
    _timing(QR_SCAN_MS, "From the frame that shows the card to the scan's commit."),
    _timing(FACE_CAPTURE_MS, "From the frame that shows the card to the scan's first photo on the disk."),
    _timing(BACKUP_DURATION_MS, "How long a backup took, with its checks."),
)
_GAUGES = (
    _gauge(HEALTHY, "yes/no", "Whether nothing is wrong with the gate."),
    _gauge(PROBLEMS_ERROR, "problems", "Problems by which scans can be lost or refused, or which nobody would see."),
    _gauge(PROBLEMS_WARNING, "problems", "Problems that need a person soon."),
    _gauge(CAMERA_HEALTHY, "yes/no", "Whether nothing is wrong with the camera."),
    _gauge("camera_fps", "frames a second", "Pictures a second that the camera gives."),
    _gauge("camera_frame_age_seconds", "s", "How old the newest picture is."),
    _gauge("queue_size", "rows", "Messages and records that wait to be sent."),
    _gauge("oldest_unsent_seconds", "s", "How long the oldest of them has waited."),
    _gauge("students", "students", "Students on the roster."),
    _gauge("records", "scans", "Scans in the database."),
    _gauge("today_scans", "scans", "Scans of this school day."),
    _gauge("database_size_mb", "MB", "Size of the database file."),
    _gauge("memory_mb", "MB", "Memory of all processes of the gate."),
    _gauge("core_memory_mb", "MB", "Memory of the gate's process."),
    _gauge("vision_memory_mb", "MB", "Memory of the vision process."),
    _gauge("core_memory_growth_mb", "MB an hour", "By how much the gate's process grows."),
    _gauge("vision_memory_growth_mb", "MB an hour", "By how much the vision process grows."),
    _gauge("disk_free_gb", "GB", "Room left on the disk with the data."),
    _gauge("disk_used_percent", "%", "How full that disk is."),
    _gauge("temperature_celsius", "°C", "Temperature of the processor."),
    _gauge("undervoltage", "yes/no", "Whether the power supply is too weak now."),
    _gauge("clock_trusted", "yes/no", "Whether the clock is known to be right."),
    _gauge("watchdog_restarts", "restarts", "Lines of the restart log, replaced vision processes included."),
    _gauge("backups_kept", "backups", "Backups in the backup directory."),
    _gauge("backup_age_seconds", "s", "Age of the newest good backup."),
    _gauge("backup_size_bytes", "bytes", "Size of the newest backup."),
    _gauge("recovery_point_seconds", "s", "How much a restore would have lost at the last drill."),
    _gauge("recovery_time_seconds", "s", "How long the restore of the last drill took."),
    _gauge("sms_reports", "reports", "Delivery reports received."),
    _gauge("sms_delivered", "messages", "Messages reported as delivered."),
    _gauge("sms_undelivered", "messages", "Messages reported as failed."),
)
CATALOGUE = (*_COUNTERS, *_TIMINGS, *_GAUGES)

SHOWN = {
    "camera_fps": ("camera", "fps"),
    "camera_frame_age_seconds": ("camera", "last_frame_seconds"),
    "queue_size": ("database", "queue_size"),
    "oldest_unsent_seconds": ("database", "oldest_unsent_seconds"),
    "students": ("database", "students"),
    "records": ("database", "total_records"),
    "today_scans": ("database", "today_scans"),
    "database_size_mb": ("database", "size_mb"),
    "memory_mb": ("system", "memory_mb"),
    "core_memory_mb": ("memory", "core", "used_mb"),
    "vision_memory_mb": ("memory", "vision", "used_mb"),
    "core_memory_growth_mb": ("memory", "core", "growth_mb_per_hour"),
    "vision_memory_growth_mb": ("memory", "vision", "growth_mb_per_hour"),
    "disk_free_gb": ("system", "disk_usage", "free_gb"),
    "disk_used_percent": ("system", "disk_usage", "used_percent"),
    "temperature_celsius": ("system", "temperature_c"),
    "undervoltage": ("system", "undervoltage"),
    "clock_trusted": ("clock", "trusted"),
    "watchdog_restarts": ("watchdog", "total_restarts"),
    "backups_kept": ("backup", "total_backups"),
    "sms_reports": ("sms_webhook", "total_received"),
    "sms_delivered": ("sms_webhook", "delivered_count"),
    "sms_undelivered": ("sms_webhook", "failed_count"),
}
"""Gauges that repeat a value of the health pages: the component, and the keys that lead to it."""
