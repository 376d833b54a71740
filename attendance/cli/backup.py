"""``attendance backup``: copies of the database, made, checked, restored and rehearsed."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attendance.cli.context import add_verb, open_context

if TYPE_CHECKING:
    from attendance.kiosk.backups import DatabaseBackupManager
    from attendance.ops.shelf import Stored


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("backup", help="make, list, check, restore or rehearse backups of the database")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    verb = verbs.add_parser("create", help="make one now")
    verb.add_argument("--accept-shrunk", action="store_true", help="although the database holds less than before")
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _create)

    verb = verbs.add_parser("list", help="all that can be reached, in the second place too")
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _list)

    verb = verbs.add_parser("verify", help="read backups to their end and compare them with their manifests")
    verb.add_argument("file", type=Path, nargs="?", help="one backup (default: all)")
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _verify)

    verb = verbs.add_parser("restore", help="put a backup in the place of the database")
    verb.add_argument("file", type=Path)
    verb.add_argument("--other-gate", action="store_true", help="although it is another gate's")
    verb.add_argument("--yes", action="store_true", help="do not ask")
    add_verb(verb, _restore)

    verb = verbs.add_parser("drill", help="restore the newest backup beside the database and look whether it is whole")
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _drill)

    verb = verbs.add_parser("acknowledge", help="say that the report of a repair has been read")
    add_verb(verb, _acknowledge)


def _backups(args: argparse.Namespace) -> "DatabaseBackupManager":
    from attendance.kiosk.backups import DatabaseBackupManager

    context = open_context(args)
    return DatabaseBackupManager(configuration=(context.settings, context.paths), clock=context.clock)


def _create(args: argparse.Namespace) -> int:
    backups = _backups(args)
    made = backups.make(accept_shrunk=args.accept_shrunk)
    warnings = [problem.text for problem in backups.second_problems]
    if args.json:
        print(json.dumps({**_row(made), "warnings": warnings}, ensure_ascii=False, indent=2))
    else:
        print(f"{made.path} made: {made.manifest.size_bytes / 1e6:.1f} MB.")
        for warning in warnings:
            print(warning)
    return 0


def _list(args: argparse.Namespace) -> int:
    found = _backups(args).copies.everything()
    if args.json:
        print(json.dumps([_row(each) for each in found], ensure_ascii=False, indent=2))
        return 0
    for each in found:
        rows = each.manifest.facts["rows"]
        print(
            f"{each.path}  {each.manifest.size_bytes / 1e6:8.1f} MB  {rows['attendance']:8} scans  {each.manifest.kind}"
        )
    print(f"{len(found)} backups.")
    return 0


def _verify(args: argparse.Namespace) -> int:
    from attendance.errors import BadInput
    from attendance.ops import backup
    from attendance.ops.manifest import BadBackup

    copies = _backups(args).copies
    paths = [args.file] if args.file else [each.path for each in copies.everything()]
    if not paths:
        raise BadInput("There is no backup to verify. `attendance backup create` makes one.")
    results = []
    for path in paths:
        fault = ""
        try:
            found = copies.verify(path, backup.Stop())
            backup.verify_list(path, found, backup.Stop())
        except BadBackup as error:
            fault = str(error)
        results.append({"path": str(path), "ok": not fault, "fault": fault})
    if args.json:
        print(json.dumps(results, ensure_ascii=False, indent=2))
    else:
        for result in results:
            print(f"{result['path']}: {result['fault'] or 'whole'}")
    return 0 if all(result["ok"] for result in results) else 1


def _restore(args: argparse.Namespace) -> int:
    backups = _backups(args)
    if not args.yes and not _wanted(
        f"Put {args.file} in the place of {backups.plan.database}? A copy of that is kept."
    ):
        print("Nothing was changed.")
        return 1
    if backups.restore(args.file, other_gate=args.other_gate):
        before = backups.plan.folder / "before-restore"
        print(f"{args.file} is restored. What was there before, if anything, is in {before}.")
    else:
        print("The gate is running: the backup is verified and laid ready. Restart the gate; it is swapped in then.")
    return 0


def _wanted(question: str) -> bool:
    """Ask the person at the terminal.

    Raises:
        BadInput: there is none.
    """
    from attendance.errors import BadInput

    print(f"{question} Type yes: ", end="", flush=True)
    try:
        return input().strip().lower() == "yes"
    except EOFError as error:
        print()
        raise BadInput("Nobody answers, and nothing was changed. Add --yes to restore without being asked.") from error


def _drill(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    result = _backups(args).drill()
    if args.json:
        print(json.dumps(asdict(result), ensure_ascii=False, indent=2))
    elif result.ok:
        age = f"{result.recovery_point_s:.0f} s" if result.recovery_point_s is not None else "of unknown age"
        print(f"{result.backup} can be restored: age {age}, {result.scans_behind} scans behind the database;")
        print(f"restoring took {result.recovery_time_s:.1f} s.")
    else:
        print(f"The drill failed: {result.why}")
    return 0 if result.ok else 1


def _acknowledge(args: argparse.Namespace) -> int:
    from attendance.kiosk import restoring

    count = restoring.acknowledge(_backups(args).plan.data_dir)
    print(f"{count} reports acknowledged.")
    return 0


def _row(stored: "Stored") -> dict[str, Any]:
    found = stored.manifest
    return {
        "path": str(stored.path),
        "kind": found.kind,
        "created_utc": found.created_at,
        "clock_trusted": found.clock_trusted,
        "size_bytes": found.size_bytes,
        "sha256": found.sha256,
        "scans": found.facts["rows"]["attendance"],
        "students": found.facts["rows"]["students"],
    }
