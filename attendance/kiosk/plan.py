"""From the configuration to the plain values that the gate's parts are made with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from attendance.config import Paths, Settings
from attendance.config.place import WEEKDAYS
from attendance.domain.message import MessageKind, preference
from attendance.domain.quiet import QuietHours
from attendance.domain.scan import GateDirection
from attendance.domain.schedule import Schedule, Session
from attendance.kiosk.alerting import AlertPlan, Receivers
from attendance.kiosk.camera_process import VisionPlan
from attendance.kiosk.feedback import Fade, SignalFeedback, Silent, signals
from attendance.kiosk.gpio import GpioIndicator
from attendance.kiosk.identity import CardRules
from attendance.kiosk.station import GateRules
from attendance.kiosk.web.access import Access
from attendance.ops.alerts import Policy
from attendance.ops.service import Service


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line says about this run.

    Attributes:
        source: where frames come from.
        at: when a file source begins; ``None`` for now.
        exit_at_end: end when a file source is over.
        headless: no screen; ping and health stay.
        demo_students: who passes the simulated gate.
        also: lines for whoever started the gate, told once it runs.
    """

    source: str
    at: datetime | None = None
    fast: bool = False
    exit_at_end: bool = False
    headless: bool = False
    demo_students: Sequence[Mapping[str, str]] = field(default_factory=tuple)
    also: Sequence[str] = ()


def gate_rules(settings: Settings, keys: Mapping[str, bytes]) -> GateRules:
    """The station's rules as configured."""
    return GateRules(
        device_id=settings.device.device_id,
        zone=ZoneInfo(settings.school.timezone),
        schedule=schedule(settings),
        direction=GateDirection(settings.device.direction),
        cards=CardRules(keys, settings.cards.require_signature),
        message_kinds=message_kinds(settings),
    )


def message_kinds(settings: Settings) -> frozenset[MessageKind]:
    """What guardians are told; nothing while messages are off."""
    sms = settings.sms_notifications
    wanted = sms.notification_preferences
    return frozenset(kind for kind in MessageKind if sms.enabled and getattr(wanted, preference(kind), False))


def schedule(settings: Settings) -> Schedule:
    """The school's day."""
    plan = settings.school_schedule
    return Schedule(
        sessions=[_session(name, times) for name, times in plan.sessions.items()],
        weekdays=frozenset(WEEKDAYS.index(day) for day in plan.weekdays),
        early=timedelta(minutes=plan.early_arrival_minutes if plan.allow_early_arrival else 0),
        cooldown=timedelta(minutes=plan.duplicate_scan_cooldown_minutes),
    )


def access(settings: Settings) -> Access:
    """Who may see the pages."""
    return Access(
        allow=settings.screen.allow,
        screen_token=settings.screen.token,
        health_token=settings.health_endpoint.token,
        hosts=settings.web.hosts,
        trusted_proxies=settings.web.trusted_proxies,
    )


def _session(name: str, times: Any) -> Session:
    return Session(
        name=name,
        start=times.start_time,
        login_start=times.login_window_start,
        login_end=times.login_window_end,
        logout_start=times.logout_window_start,
        logout_end=times.logout_window_end,
        late_after=timedelta(minutes=times.late_threshold_minutes),
    )


def vision_plan(settings: Settings, paths: Paths, options: RunOptions) -> VisionPlan:
    camera, vision = settings.camera, settings.vision
    return VisionPlan(
        source=options.source,
        assets=paths.assets,
        at=options.at,
        fast=options.fast,
        options={
            "width": camera.resolution.width,
            "height": camera.resolution.height,
            "fps": camera.fps,
            "index": camera.index,
            "opencv-only": camera.force_opencv,
            "picamera-options": _picamera_options(camera.picamera),
            "lookback-s": vision.lookback_seconds,
            "lookahead-s": vision.lookahead_seconds,
            "card-gone-s": vision.card_gone_seconds,
            "photo": settings.photo.model_dump(mode="json"),
            "thresholds": vision.thresholds.model_dump(mode="json"),
            "demo-students": list(options.demo_students),
        },
    )


def _picamera_options(picamera: Any) -> list[str]:
    options = ["--awb", picamera.awb.mode]
    if picamera.exposure.mode == "manual":
        options += ["--shutter", str(picamera.exposure.manual_exposure_us)]
        options += ["--gain", str(picamera.exposure.manual_analogue_gain)]
    return options


def alerts(settings: Settings) -> AlertPlan:
    """Who is told of problems, and when."""
    told, hours = settings.alerts, settings.alerts.quiet_hours
    return AlertPlan(
        Policy(
            lasts_s={"error": told.error_after_minutes * 60, "warning": told.warning_after_minutes * 60},
            again_s={"error": told.error_again_hours * 3600, "warning": told.warning_again_hours * 3600},
            calm_s=told.over_after_minutes * 60,
            escalate_s=told.escalate_after_minutes * 60,
        ),
        Receivers(told.receivers.addresses, told.receivers.sms),
        Receivers(told.escalation.addresses, told.escalation.sms),
        place=settings.device.device_name or settings.device.device_id,
        quiet=QuietHours(hours.start, hours.end) if hours.enabled else None,
        leave_to_centre=told.leave_to_centre,
        ping_url=told.ping_url,
        ping_s=told.ping_minutes * 60,
    )


def feedback(settings: Settings) -> tuple[SignalFeedback | Silent, Service | None]:
    buzzer, led = settings.buzzer, settings.rgb_led
    if not (buzzer.enabled or led.enabled):
        return Silent(), None
    pins = led.gpio_pins.model_dump() if led.enabled else None
    service: Service
    playing = SignalFeedback(
        lambda: GpioIndicator(buzzer.gpio_pin if buzzer.enabled else None, pins),
        lambda: service.nudge(),
        signals(
            {
                "success": buzzer.success_pattern,
                "duplicate": buzzer.duplicate_pattern,
                "error": buzzer.error_pattern,
            },
            {name: tuple(colour) for name, colour in led.colors.model_dump().items()},
        ),
        Fade(led.fade_duration_ms, led.hold_duration_ms, led.brightness / 100),
    )
    service = Service("feedback", playing)
    return playing, service
