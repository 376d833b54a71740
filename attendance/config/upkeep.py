"""Settings of what keeps the gate alive, safe and visible."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from attendance.config.values import (
    FilePath,
    Host,
    Network,
    Number,
    OptionalPath,
    Percent,
    Port,
    Secret,
    Section,
    Switch,
    TimeOfDay,
    Whole,
    setting,
)

TokenText = Annotated[Secret, Field(max_length=512)]


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class Screen(Section):
    """The gate's page. It shows names and faces of minors, so only the device itself gets it unless told otherwise."""

    enabled: Switch = setting(True, "Whether the page is served.", "The gate has a screen.")
    allow: tuple[Network, ...] = setting((), "Further addresses that may see it.", "Faces stay on the device.")
    token: TokenText = setting(
        "", "Secret that opens it from elsewhere; empty: none does.", "Faces stay on the device."
    )
    max_streams: Whole = setting(8, "Live pictures served at once.", "A stream above it ends the oldest.", ge=1, le=64)


class Web(Section):
    """What the web server believes of a request."""

    trusted_proxies: tuple[Network, ...] = setting((), "Proxies whose X-Forwarded-For counts.", "Anybody can send it.")
    hosts: tuple[Host, ...] = setting((), "Further names the gate is reached by.", "Other names are an attack.")


class HealthEndpoint(Section):
    """The port of the health pages and of the gate's page."""

    enabled: Switch = setting(True, "Whether the port is served.", "Documented default.")
    port: Port = setting(8080, "TCP port.", "Documented default.")
    host: Host = setting("0.0.0.0", "Address to listen on.", "Documented default; detail is for private networks only.")
    token: TokenText = setting("", "Bearer token for detail from elsewhere; empty: none.", "A secret is not invented.")


class Watchdog(Section):
    """What happens when the gate hangs."""

    enabled: Switch = setting(True, "Whether hangs are repaired.", "Documented default.")
    timeout_seconds: Number = setting(30, "Seconds without a sign of life of the gate.", "Documented.", ge=1, le=3600)
    vision_timeout_seconds: Number = setting(
        12, "Seconds without a sign of life of the vision process.", "Slow cameras need 10 s to open.", ge=1, le=600
    )
    restart_command: str = setting(
        "sudo systemctl restart attendance-system",
        "Command that restarts the gate; empty: none.",
        "Documented default.",
    )
    log_file: FilePath = setting("data/logs/watchdog_restarts.log", "File that lists the restarts.", "Documented.")
    restarts_per_hour: Whole = setting(
        4, "Restarts by the command in any hour, at most.", "What four do not repair needs a person.", ge=1, le=60
    )


class SmsWebhook(Section):
    """The port on which delivery reports of the phone arrive."""

    enabled: Switch = setting(True, "Whether the port is served.", "Documented default.")
    port: Port = setting(8081, "TCP port.", "Documented default.")
    host: Host = setting("0.0.0.0", "Address to listen on.", "Documented default; private networks only.")
    auth_token: TokenText = setting("", "Bearer token of a report; empty: none asked.", "Documented default.")
    log_deliveries: Switch = setting(True, "Whether reports go to `sms_delivery_log`.", "Documented default.")
    retry_failed: Switch = setting(False, "Whether failed messages are sent again.", "Documented default.")
    signing_key: TokenText = setting(
        "", "The phone's key that signs reports; empty: signatures are not asked for.", "Each phone has its own."
    )
    tls_certificate: OptionalPath = setting(
        "", "File with the certificate chain; empty: plain HTTP.", "The phone posts to itself."
    )
    tls_key: OptionalPath = setting("", "File with the certificate's key.", "As the certificate.")

    @model_validator(mode="after")
    def _certificate_and_key(self) -> "SmsWebhook":
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError("both tls_certificate and tls_key, or neither")
        return self


class DatabaseBackup(Section):
    """Copies of the database."""

    enabled: Switch = setting(True, "Whether copies are made.", "Documented default.")
    backup_dir: FilePath = setting("data/backups", "Directory for them.", "Documented default.")
    backup_interval_seconds: Whole = setting(3600, "Seconds between two.", "Documented default.", ge=1, le=604_800)
    keep_backups: Whole = setting(24, "How many hourly copies are kept.", "Documented default.", ge=1, le=10_000)
    keep_daily: Whole = setting(7, "How many days keep their last copy in the folder daily.", "A week.", ge=0, le=1000)
    keep_weekly: Whole = setting(
        4, "How many weeks keep their last copy in the folder weekly.", "A month.", ge=0, le=1000
    )
    check_integrity: Switch = setting(True, "Whether each is checked, before and after.", "Documented default.")
    second_dir: OptionalPath = setting(
        "", "A second directory for every copy, as a USB stick's; empty: none.", "One card in one gate can die."
    )
    drill_at: TimeOfDay = setting(
        "03:15", "When a restore is rehearsed every night.", "Nobody passes the gate.", validate_default=True
    )


class Metrics(Section):
    """Numbers about the gate's work."""

    enabled: Switch = setting(True, "Whether they are exported.", "Documented.")
    export_file: FilePath = setting("data/metrics.json", "File they are exported to.", "Documented.")
    export_interval_seconds: Whole = setting(300, "Seconds between two exports.", "Documented.", ge=1, le=86_400)


class DiskMonitor(Section):
    """What happens when space runs short."""

    warn_threshold_percent: Percent = setting(10, "Free space that is a warning, percent.", "Documented default.")
    critical_threshold_percent: Percent = setting(5, "Free space that is an error, percent.", "Documented default.")
    photo_retention_days: Whole = setting(30, "Days a photo is kept.", "Documented default.", ge=1, le=3650)
    log_retention_days: Whole = setting(7, "Days a log is kept.", "Documented default.", ge=1, le=3650)

    @model_validator(mode="after")
    def _warning_comes_first(self) -> "DiskMonitor":
        if self.critical_threshold_percent >= self.warn_threshold_percent:
            raise ValueError("critical_threshold_percent must be less than warn_threshold_percent")
        return self


class Memory(Section):
    """How much memory each process may take before it is relieved (at 85 %)."""

    vision_budget_mb: Whole = setting(200, "Megabytes of the vision process.", "Half as much again as it needs.", ge=32)
    core_budget_mb: Whole = setting(160, "Megabytes of the gate's process.", "Twice what it needs.", ge=32)


class Logging(Section):
    """What is written about the gate's work."""

    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_upper)] = setting(
        "INFO", "From which severity on.", "Business facts are INFO."
    )
    log_dir: FilePath = setting("data/logs", "Directory of the log files.", "Documented default.")


class Cloud(Section):
    """Exchange with the centre, once the gate is enrolled there: `attendance sync enroll`."""

    enabled: Switch = setting(True, "Whether an enrolled gate exchanges records.", "Who enrols it wants that.")
    sync_interval: Whole = setting(60, "Seconds between looks at the centre.", "Scans leave at once.", ge=10, le=3600)
    batch_size: Whole = setting(500, "Records of one request at most.", "Fewer where a line is bad.", ge=1, le=500)
    timeout_seconds: Number = setting(10, "Seconds a request may take.", "A slow line needs some.", ge=1, le=60)
    photos: Switch = setting(True, "Whether photos are sent too.", "A stolen gate loses none.")
    roster: Switch = setting(True, "Whether students and cards come from the centre.", "One list for all gates.")
    smallest_roster_percent: Percent = setting(
        50, "Percent of the known students that a list from the centre must have.", "Half a school does not leave."
    )
    ca_file: OptionalPath = setting("", "PEM file of who vouches for the centre.", "Public centres need none.")
