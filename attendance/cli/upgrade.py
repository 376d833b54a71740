"""``attendance upgrade``: an existing configuration and database brought up to date."""

import argparse
from typing import Any

from attendance.cli.context import Context, add_verb, open_context

_SECTIONS = (
    "watchdog",
    "sms_webhook",
    "database_backup",
    "health_endpoint",
    "metrics",
    "sms_notifications.rate_limiting",
)
"""What an upgrade writes out in full, so that whoever opens the file sees what can be set."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("upgrade", help="bring an existing configuration and database up to date")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    add_verb(parser, _upgrade)


def _upgrade(args: argparse.Namespace) -> int:
    from attendance.ops.instance import InstanceLock

    context = open_context(args)
    lock = InstanceLock(context.paths.data_dir)
    lock.acquire()
    try:
        _configuration(context, args.dry_run)
        _database(context, args.dry_run)
    finally:
        lock.release()
    return 0


def _configuration(context: Context, dry_run: bool) -> None:
    """Add the keys that the file does not have yet, with their defaults; what it says stays as it is."""
    import json

    from attendance.config.load import plain
    from attendance.config.reading import read
    from attendance.ops.files import write_atomically

    source = context.loaded.source
    if source is None:
        print(f"There is no {context.paths.config_file}: the defaults hold.")
        return
    tree, _ = read(source)
    added = [key for path in _SECTIONS for key in _complete(tree, plain(context.settings), path)]
    for warning in context.loaded.warnings:
        print(f"  {warning}")
    if not added:
        print(f"{source} is up to date.")
        return
    print(f"{source}: {'would add' if dry_run else 'added'} {', '.join(added)}.")
    if not dry_run:
        before = source.with_name(f"{source.name}.before-upgrade")
        write_atomically(before, source.read_bytes(), mode=0o600)
        text = json.dumps(tree, ensure_ascii=False, indent=2) + "\n"
        write_atomically(source, text.encode(), mode=source.stat().st_mode & 0o777)
        print(f"What it said before is kept in {before}.")


def _complete(tree: dict[str, Any], defaults: dict[str, Any], path: str) -> list[str]:
    """Complete one section of a file; the keys that were added."""
    section: Any = tree
    for name in path.split("."):
        section, defaults = section.setdefault(name, {}), defaults[name]
    added = [name for name, value in defaults.items() if name not in section and not isinstance(value, dict)]
    section |= {name: defaults[name] for name in added}
    return [f"{path}.{name}" for name in added]


def _database(context: Context, dry_run: bool) -> None:
    from attendance.kiosk import takeover
    from attendance.kiosk.store.database import schema_versions

    database = context.paths.database
    if not database.exists():
        print(f"There is no {database} yet; it is made at the first start.")
        return
    if takeover.is_earlier(database):
        if dry_run:
            print(f"{database} is the earlier system's: its students and scans would be taken over.")
        else:
            _take_over(context)
        return
    if takeover.interrupted(database) and not dry_run:
        print(f"The earlier database is kept in {takeover.finish(database)}.")
    before, newest = schema_versions(database)
    if before < newest and not dry_run:
        context.database()
    if before < newest:
        print(f"{database}: schema {before} {'would be' if dry_run else 'is'} brought to {newest}.")
    else:
        print(f"{database} is up to date.")


def _take_over(context: Context) -> None:
    from attendance.kiosk.takeover import School, take_over

    settings = context.settings
    school = School(settings.device.device_id, context.zone, settings.school.phone_region, context.sessions)
    taken = take_over(context.paths.database, school, context.clock.now())
    for doubt in taken.doubts:
        print(f"  {doubt}")
    print(
        f"{taken.students} students and {taken.scans} scans taken over. The earlier database is kept in {taken.kept}."
    )
