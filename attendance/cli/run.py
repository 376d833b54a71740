"""``attendance run``: the gate itself."""

import argparse
import logging
import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attendance.cli.context import Context, add_options, open_context

if TYPE_CHECKING:
    from attendance.config import Settings

log = logging.getLogger(__name__)

_DEMO_STUDENTS = 40
_DEMO_PHONE_SPEED = 5.0
_DEMO_PING_S = 120
_FILE_SOURCES = ("video:", "images:")
_ALWAYS_OPEN = {
    "start_time": "00:00",
    "end_time": "23:59:59",
    "login_window_start": "00:00",
    "login_window_end": "23:59:59",
    "logout_window_start": "00:00",
    "logout_window_end": "23:59:59",
    "late_threshold_minutes": 1440,
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("run", help="run the gate")
    parser.add_argument(
        "--source", metavar="SPEC", help="auto, picamera, v4l2:0, rtsp://…, video:FILE, images:DIR or demo"
    )
    parser.add_argument("--at", metavar="TIME", help="when a file source begins, as 2026-06-08T06:40 (default now)")
    parser.add_argument("--fast", action="store_true", help="play a file source without pacing")
    parser.add_argument("--exit-at-end", action="store_true", help="end when a file source is over")
    parser.add_argument("--headless", action="store_true", help="no screen; ping and health stay")
    parser.add_argument("--demo", action="store_true", help="an invented school at a simulated gate, in data/demo")
    add_options(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from attendance.kiosk.app import AGAIN, Gate
    from attendance.kiosk.plan import RunOptions
    from attendance.ops import systemd
    from attendance.ops.logs import log_to

    if args.demo and not args.data_dir:
        args.data_dir = str(_demo_dir(args))
    context = open_context(args)
    settings = context.settings
    log_to(context.paths.resolve(settings.logging.log_dir), settings.logging.level)
    for warning in context.loaded.warnings:
        log.warning("%s", warning)
    source = args.source or ("demo" if args.demo else settings.camera.source)
    students: list[dict[str, str]] = []
    if args.demo:
        settings = _demo_settings(settings)
    if source == "demo":
        students = _invite_demo_school(context, settings)
    source = _absolute(source)
    if source.startswith(_FILE_SOURCES):
        _check_file(source)
    options = RunOptions(
        source=source,
        # fixed once: a vision process that is replaced must play the file at the same times again
        at=_time(args.at, context) if args.at else context.clock.now().at,
        fast=args.fast,
        exit_at_end=args.exit_at_end,
        headless=args.headless,
        demo_students=students,
    )
    with _demo_phone(settings, context) if args.demo else nullcontext((settings, ())) as (settings, also):
        code = Gate(settings, context.paths, context.clock, replace(options, also=also)).run()
    if code == AGAIN and not systemd.supervised():
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # nobody else would start it again
    return code


@contextmanager
def _demo_phone(settings: "Settings", context: Context) -> Iterator[tuple["Settings", Sequence[str]]]:
    """Settings with which messages go to a simulated phone while inside, unless the school has its own; and where it
    is."""
    from attendance.sim.phone_device import SimulatedPhone
    from attendance.sim.phone_settings import PhoneSettings

    if settings.sms_notifications.enabled:
        yield settings, ()
        return
    hook = settings.sms_webhook
    key = secrets.token_hex(16)
    phone = SimulatedPhone(
        settings=PhoneSettings(speed=_DEMO_PHONE_SPEED, ping_interval_s=_DEMO_PING_S, signing_key=key),
        webhook_url=f"http://127.0.0.1:{hook.port}/sms-webhook" if hook.enabled else "",
        zone=context.zone,
    )
    with phone:
        told = _with_messages(settings, phone.configuration["sms_notifications"], key)
        yield told, [f"What parents receive: {phone.url}/"]


def _with_messages(settings: "Settings", written: dict[str, Any], key: str) -> "Settings":
    """Messages at any hour, and as many as the demo makes, with signed reports; otherwise as configured."""
    sms = settings.sms_notifications
    changes: dict[str, Any] = {
        **written,
        "quiet_hours": sms.quiet_hours.model_copy(update={"enabled": False}),
        "rate_limiting": sms.rate_limiting.model_copy(update={"max_per_minute": 60, "max_per_hour": 3600}),
    }
    told = sms.model_copy(update=changes)
    hook = settings.sms_webhook.model_copy(update={"signing_key": key})
    return settings.model_copy(update={"sms_notifications": told, "sms_webhook": hook})


def _demo_dir(args: argparse.Namespace) -> Path:
    from attendance.config import locate

    return locate(args.config).data_dir / "demo"


def _absolute(source: str) -> str:
    """A file source with an absolute path: the vision process may run elsewhere."""
    for prefix in _FILE_SOURCES:
        if source.startswith(prefix):
            return prefix + str(Path(source.removeprefix(prefix)).absolute())
    return source


def _check_file(source: str) -> None:
    """Refuse a file that gives no picture, before the gate starts; in a process of its own, as all decoding."""
    import subprocess

    from attendance.errors import BadInput

    package = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-m", "attendance.vision.check", source],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([package, os.environ.get("PYTHONPATH", "")])},
    )
    if done.returncode != 0:
        raise BadInput((done.stderr.strip().splitlines() or [f"{source!r} gives no picture."])[-1])


def _time(text: str, context: Context) -> datetime:
    from attendance.errors import BadInput

    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"--at {text!r} is no time; write it like 2026-06-08T06:40, in the school's time.") from error
    return at if at.tzinfo else at.replace(tzinfo=context.zone)


def _demo_settings(settings: "Settings") -> "Settings":
    """The school's settings with a gate that is always open, unless the configuration names times of its own.

    The school's second place for backups is not for a trial.
    """
    from attendance.config import Settings
    from attendance.config.place import ClassTimes

    backups = settings.database_backup.model_copy(update={"second_dir": ""})
    settings = settings.model_copy(update={"database_backup": backups})
    if settings.school_schedule != Settings().school_schedule:
        return settings
    sessions = {"demo": ClassTimes.model_validate(_ALWAYS_OPEN)}
    changes: dict[str, Any] = {"sessions": sessions, "duplicate_scan_cooldown_minutes": 1}
    schedule = settings.school_schedule.model_copy(update=changes)
    return settings.model_copy(update={"school_schedule": schedule})


def _invite_demo_school(context: Context, settings: "Settings") -> list[dict[str, str]]:
    """Fill an empty roster with the invented school; who then passes the simulated gate."""
    from attendance.kiosk.store import roster
    from attendance.kiosk.store.database import reading, writing
    from attendance.reports.student_list import make_enrolment
    from attendance.sim.school import invent

    database = context.database()
    with reading(database) as conn:
        known = roster.enrolled(conn)
    if not known:
        with writing(database) as conn:
            for s in invent(_DEMO_STUDENTS, 1):
                enrolment = make_enrolment(
                    student_id=s.student_id,
                    name=f"{s.last_name}, {s.first_name}",
                    section=s.section,
                    grade=s.grade,
                    sex=s.sex,
                    guardian=s.guardian,
                    phones=[s.phone],
                    region=settings.school.phone_region,
                    sessions=list(settings.school_schedule.sessions),
                )
                roster.enrol(conn, enrolment, context.clock.now())
        with reading(database) as conn:
            known = roster.enrolled(conn)
    return [
        {"payload": r["student_id"], "name": r["name"], "number": r["student_id"], "section": r["section"]}
        for r in known
    ]
