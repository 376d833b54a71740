"""``attendance doctor``: what works on this machine, what does not, and what to do about it."""

import argparse
import json
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from attendance.cli.context import Context, add_options, open_context

_CAMERA_S = 12.0
_GB = 1e9


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: ``remedy`` is empty when all is well."""

    what: str
    found: str
    remedy: str = ""

    @property
    def ok(self) -> bool:
        return not self.remedy


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("doctor", help="check camera, models, disk, database, clock, ports and versions")
    parser.add_argument("--json", action="store_true")
    add_options(parser)
    parser.set_defaults(run=_doctor)


def _doctor(args: argparse.Namespace) -> int:
    context = open_context(args)
    findings = []
    for finding in _examine(context):
        findings.append(finding)
        if not args.json:
            print(f"{'ok     ' if finding.ok else 'problem'}  {finding.what}: {finding.found}")
            if finding.remedy:
                print(f"         -> {finding.remedy}")
    if args.json:
        print(json.dumps([{**asdict(finding), "ok": finding.ok} for finding in findings], ensure_ascii=False, indent=2))
    return 0 if all(finding.ok for finding in findings) else 1


def _examine(context: Context) -> Iterator[Finding]:
    running = _gate_runs(context)
    yield _versions()
    yield from _configuration(context)
    yield _permissions(context.paths.data_dir)
    yield _disk(context)
    yield _database(context)
    yield _backups(context)
    yield _cards(context)
    yield from _messages(context)
    yield _clock(context)
    yield _assets(context)
    yield from _ports(context, running)
    yield _camera(context, running)


def _gate_runs(context: Context) -> bool:
    """Whether a gate holds the data directory; then port and camera are in use, as they should be."""
    from attendance.errors import AlreadyRunning, StorageError
    from attendance.ops.instance import InstanceLock

    lock = InstanceLock(context.paths.data_dir)
    try:
        lock.acquire()
    except AlreadyRunning:
        return True
    except StorageError:
        return False
    lock.release()
    return False


def _versions() -> Finding:
    import sqlite3

    import cv2

    import attendance

    found = f"attendance {attendance.__version__}, Python {sys.version.split()[0]}, "
    found += f"OpenCV {cv2.__version__}, SQLite {sqlite3.sqlite_version}"
    old = sqlite3.sqlite_version_info < (3, 37)
    return Finding("versions", found, "SQLite 3.37 or newer is needed: update the system." if old else "")


def _configuration(context: Context) -> Iterator[Finding]:
    yield Finding("configuration", f"{context.loaded.source or 'defaults'}, without faults")
    for warning in context.loaded.warnings:
        yield Finding("configuration", warning)


def _permissions(data_dir: Path) -> Finding:
    probe = data_dir / ".doctor"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return Finding("data directory", f"{data_dir}: {error.strerror}", f"sudo chown -R $USER {data_dir}")
    return Finding("data directory", f"{data_dir} can be written")


def _disk(context: Context) -> Finding:
    usage = shutil.disk_usage(context.paths.data_dir)
    percent = 100 * usage.free / usage.total
    found = f"{usage.free / _GB:.1f} GB free ({percent:.0f} %)"
    low = percent < float(context.settings.disk_monitor.warn_threshold_percent)
    return Finding("disk", found, "Delete what does not belong on this device, or put in a larger card." if low else "")


def _database(context: Context) -> Finding:
    from attendance.errors import StorageError
    from attendance.kiosk.store import register
    from attendance.kiosk.store.contents import faults
    from attendance.kiosk.store.database import reading

    path = context.paths.database
    if not path.exists():
        return Finding("database", "none yet; it is made at the first start")
    try:
        with reading(path) as conn:
            damage = faults(conn)
            totals = register.totals(conn, context.clock.now().at.astimezone(context.zone).date())
    except StorageError as error:
        return Finding("database", str(error), "Start the gate: it repairs its database.")
    if damage:
        return Finding("database", f"damaged: {damage}", "Restart the gate: it repairs its database by itself.")
    found = f"whole, {totals.total_records} scans, {totals.students} students"
    return Finding("database", found, "" if totals.students else "Run `attendance students import FILE`.")


def _cards(context: Context) -> Finding:
    from attendance.errors import BadInput
    from attendance.kiosk import keyring

    path = context.card_keys
    try:
        keys = keyring.load(path)
    except BadInput as error:
        return Finding("cards", str(error), f"Restore {path} from its copy.")
    if not keys:
        remedy = "Run `attendance cards key`." if context.settings.cards.require_signature else ""
        return Finding("cards", "no signing key: cards are plain numbers, which a student can copy", remedy)
    if path.stat().st_mode & 0o077:
        return Finding("cards", f"{path} can be read by others", f"chmod 600 {path}")
    return Finding(
        "cards", f"{len(keys)} signing keys in {path}; keep a copy of it elsewhere, it is the same at all gates"
    )


def _messages(context: Context) -> Iterator[Finding]:
    """Whether messages can leave, and in time; nothing is sent."""
    from attendance.cli.sms import school_capacity
    from attendance.kiosk.sms import gateway_plan

    sms = context.settings.sms_notifications
    if not sms.enabled:
        yield Finding("messages", "off: guardians are told nothing")
        return
    routes = gateway_plan.routes(sms, context.paths.resolve, context.clock)
    for problem in routes.problems:
        yield Finding("messages", problem.text, problem.remedy)
    for name, sentence, good in routes.check():
        yield Finding(
            "messages", f"{name}: {sentence}", "" if good else "Run `attendance sms test` after correcting it."
        )
    said, *ways = school_capacity(context).sentences or [""]
    if said:
        yield Finding("messages", said, " Or: ".join(ways))


def _clock(context: Context) -> Finding:
    now = context.clock.now()
    found = f"{now.at.astimezone(context.zone):%Y-%m-%d %H:%M:%S %Z}"
    if now.trusted:
        return Finding("clock", f"{found}, known to be right")
    remedy = "Connect to a network with a time server (timedatectl shows it), or set clock.trust_rtc."
    return Finding("clock", f"{found}, not known to be right", remedy)


def _assets(context: Context) -> Finding:
    from attendance.vision import assets

    found = assets.find(context.paths.assets)
    if found.detector and found.mesh:
        return Finding("face models", f"in {context.paths.assets}")
    return Finding(
        "face models",
        "missing; a simpler detector is used",
        f"Online: {sys.executable} -m attendance.vision.assets {context.paths.assets}",
    )


def _ports(context: Context, running: bool) -> Iterator[Finding]:
    settings = context.settings
    for section, endpoint in (
        ("health_endpoint", settings.health_endpoint),
        ("sms_webhook", settings.sms_webhook),
    ):
        if endpoint.enabled:
            yield _port(section, endpoint.host, endpoint.port, running)
        else:
            yield Finding("port", f"not served: {section}.enabled is false")


def _port(section: str, host: str, port: int, running: bool) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if running:
                return Finding("port", f"{port} is served by the running gate")
            remedy = f"See who holds it with `ss -ltnp 'sport = :{port}'`, or set {section}.port."
            return Finding("port", f"{port}: {error.strerror}", remedy)
    return Finding("port", f"{port} is free")


def _backups(context: Context) -> Finding:
    from attendance.kiosk.backups import DatabaseBackupManager

    manager = DatabaseBackupManager(configuration=(context.settings, context.paths), clock=context.clock)
    if not context.settings.database_backup.enabled:
        return Finding("backups", "switched off", "Set database_backup.enabled: a card in a gate can die any day.")
    made = manager.list_backups()
    if not made:
        remedy = "Start the gate: it makes one at once." if context.paths.database.exists() else ""
        return Finding("backups", "none yet", remedy)
    elsewhere = (
        "" if context.settings.database_backup.second_dir else "; all on this device, see database_backup.second_dir"
    )
    return Finding("backups", f"{len(made)}, the newest of {made[0]['created']}{elsewhere}")


def _camera(context: Context, running: bool) -> Finding:
    """A picture from the camera, in a process of its own: a driver may hang."""
    import subprocess

    if running:
        return Finding("camera", "in use by the running gate; `attendance status` says how it is")
    source = context.settings.camera.source
    command = [sys.executable, "-m", "attendance.vision.check", source]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_CAMERA_S, check=False)
    except subprocess.TimeoutExpired:
        return Finding("camera", f"{source} hangs", "Unplug the camera and plug it in again.")
    if done.returncode == 0:
        return Finding("camera", done.stdout.strip())
    reason = (done.stderr.strip().splitlines() or ["no picture"])[-1]
    remedy = "Check the cable; `v4l2-ctl --list-devices` and `rpicam-hello --list-cameras` show what the system sees."
    return Finding("camera", f"{source}: {reason}", remedy)
