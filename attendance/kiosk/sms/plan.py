"""From the configuration to the plain values that the messages are made with."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from attendance.config import Settings
from attendance.domain import absence
from attendance.domain.capacity import Capacity, capacity
from attendance.domain.message import MessageKind
from attendance.domain.quiet import QuietHours
from attendance.domain.ratelimit import Window
from attendance.domain.scan import GateDirection
from attendance.domain.schedule import windows
from attendance.errors import BadInput, ConfigError
from attendance.kiosk import plan
from attendance.kiosk.sms.absence import AbsenceRules
from attendance.kiosk.sms.answers import Answers
from attendance.kiosk.sms.limits import Limits
from attendance.kiosk.sms.texts import TEMPLATE_KEYS, Texts
from attendance.kiosk.store.receipts import Rules

_SUMMARIES = frozenset({MessageKind.WEEKLY_SUMMARY, MessageKind.MONTHLY_SUMMARY})


def texts(settings: Settings) -> Texts:
    """The school's texts.

    Raises:
        ConfigError: templates are faulty; all of them are named.
    """
    sms = settings.sms_notifications
    try:
        return Texts(
            school_name=settings.school.name,
            language=sms.language,
            templates={kind: getattr(sms, key) for kind, key in TEMPLATE_KEYS.items()},
            transliterate=sms.transliterate,
            stop_word=next(iter(sms.opt_out_words), ""),
            start_word=next(iter(sms.opt_in_words), ""),
        )
    except BadInput as error:
        raise ConfigError(str(error)) from error


def answers(settings: Settings) -> Answers | None:
    """What is done about what guardians write; nothing while messages are off.

    Raises:
        ConfigError: the words are faulty.
    """
    sms = settings.sms_notifications
    if not sms.enabled:
        return None
    try:
        return Answers(
            texts(settings), out=sms.opt_out_words, back_in=sms.opt_in_words, region=settings.school.phone_region
        )
    except BadInput as error:
        raise ConfigError(str(error)) from error


def rate_windows(settings: Settings) -> tuple[Window, ...]:
    """How many messages may leave; empty without a limit."""
    rate = settings.sms_notifications.rate_limiting
    return (Window(rate.max_per_minute, 60), Window(rate.max_per_hour, 3600)) if rate.enabled else ()


def limits(settings: Settings) -> Limits:
    """Everything that makes a message wait, or end."""
    sms = settings.sms_notifications
    quiet = sms.quiet_hours
    return Limits(
        windows=rate_windows(settings),
        drop=sms.rate_limiting.when_full == "drop",
        expire_after=timedelta(minutes=sms.rate_limiting.expire_after_minutes),
        cooldown=timedelta(minutes=sms.duplicate_sms_cooldown_minutes),
        daily_parts=sms.daily_max_parts,
        monthly_parts=sms.monthly_max_parts,
        quiet=QuietHours(quiet.start, quiet.end) if quiet.enabled else None,
    )


def reports(settings: Settings) -> Rules:
    """How delivery reports are kept."""
    hook, rate = settings.sms_webhook, settings.sms_notifications.rate_limiting
    zone = ZoneInfo(settings.school.timezone)
    return Rules(hook.log_deliveries, hook.retry_failed, timedelta(minutes=rate.expire_after_minutes), zone)


def absence_rules(settings: Settings) -> AbsenceRules:
    """When an absence or a missing departure is told."""
    kinds = plan.message_kinds(settings) & frozenset(absence.KINDS)
    if not settings.school_schedule.require_logout:
        kinds -= {MessageKind.NO_CHECKOUT}
    told = settings.sms_notifications.absence
    return AbsenceRules(
        zone=ZoneInfo(settings.school.timezone),
        schedule=plan.schedule(settings),
        kinds=kinds,
        limits=absence.Limits(timedelta(minutes=told.after_minutes), told.max_share_percent),
        gates=settings.school.gates,
        direction=GateDirection(settings.device.direction),
    )


def summaries(settings: Settings) -> frozenset[MessageKind]:
    """The summaries that are told."""
    return plan.message_kinds(settings) & _SUMMARIES


def school_capacity(settings: Settings, students: int, numbers: int) -> Capacity:
    """Whether the limits can carry a morning.

    Args:
        students: who have a guardian that is told.
        numbers: of those guardians.
    """
    day = date(2026, 6, 8)  # any: windows have the same length every day
    logins = [windows(session, day)[0] for session in plan.schedule(settings).sessions]
    return capacity(
        rate_windows(settings),
        students,
        plan.message_kinds(settings),
        login_minutes=max((end - start).total_seconds() / 60 for start, end in logins),
        expire_after_minutes=settings.sms_notifications.rate_limiting.expire_after_minutes,
        guardians_per_student=numbers / students if students else 1.0,
    )
