"""``attendance students``: who the gate knows."""

import argparse
import json
import sys
from pathlib import Path

from attendance.cli.context import Context, add_verb, open_context
from attendance.cli.student_file import read_list


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("students", help="import, list, show, add, remove or erase students")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    verb = verbs.add_parser("import", help="take a CSV or XLSX list; nothing is changed if any row is faulty")
    verb.add_argument("file", type=Path)
    verb.add_argument("--dry-run", action="store_true", help="only say what would happen")
    verb.add_argument("--skip-bad", action="store_true", help="take the good rows although others are faulty")
    add_verb(verb, _import)

    verb = verbs.add_parser("list", help="all students")
    verb.add_argument("--section")
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _list)

    verb = verbs.add_parser("show", help="one student with guardians and cards")
    verb.add_argument("student_id")
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _show)

    verb = verbs.add_parser("add", help="add one student, or change a known one")
    verb.add_argument("student_id")
    verb.add_argument("name")
    for option in ("--section", "--grade", "--sex", "--lrn", "--session", "--guardian"):
        verb.add_argument(option, default="")
    verb.add_argument("--phone", action="append", default=[], help="a guardian's number; may be given several times")
    add_verb(verb, _add)

    verb = verbs.add_parser("remove", help="take a student off the roster; the past stays readable")
    verb.add_argument("student_id")
    add_verb(verb, _remove)

    verb = verbs.add_parser("erase", help="forget persons for good: name, guardians, cards and photos")
    verb.add_argument("student_id", nargs="+")
    verb.add_argument("--yes", action="store_true", help="do not ask")
    add_verb(verb, _erase)


def _import(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from attendance.kiosk.store import roster
    from attendance.kiosk.store.database import writing

    context = open_context(args)
    students = read_list(
        args.file,
        context.settings.school.phone_region,
        context.sessions,
        skip_bad=args.skip_bad,
        only_look=args.dry_run,
    )
    if args.dry_run:
        print(f"{len(students.enrolments)} good rows, {len(students.faults)} faulty. Nothing was changed.")
        return 1 if students.faults else 0
    now = context.clock.now()
    with writing(context.database()) as conn:
        rows = tqdm(students.enrolments, unit=" students", disable=not sys.stderr.isatty(), leave=False)
        added = sum(roster.enrol(conn, enrolment, now) for enrolment in rows)
    skipped = f", {len(students.faults)} faulty rows skipped" if students.faults else ""
    print(f"{added} students added, {len(students.enrolments) - added} brought up to date{skipped}.")
    return 0


def _list(args: argparse.Namespace) -> int:
    from attendance.kiosk.store import roster
    from attendance.kiosk.store.database import reading

    context = open_context(args)
    with reading(context.database()) as conn:
        rows = roster.enrolled(conn, args.section)
    if args.json:
        keys = ("student_id", "name", "section", "grade", "sex", "lrn", "allowed_session", "phones")
        print(json.dumps([{key: row[key] for key in keys} for row in rows], ensure_ascii=False, indent=2))
        return 0
    for row in rows:
        told = "" if row["phones"] else "  (no phone)"
        print(f"{row['student_id']:16}  {row['section']:16}  {row['name']}{told}")
    print(f"{len(rows)} students.")
    return 0


def _show(args: argparse.Namespace) -> int:
    from attendance.kiosk.store import roster
    from attendance.kiosk.store.database import reading

    context = open_context(args)
    with reading(context.database()) as conn:
        found = roster.details(conn, args.student_id)
    if args.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return 0
    for key, value in found.items():
        if isinstance(value, list):
            for item in value:
                print(f"{key[:-1]:16} {', '.join(f'{k} {v}' for k, v in item.items() if v not in ('', None))}")
        elif value not in ("", None):
            print(f"{key.replace('_', ' '):16} {value}")
    return 0


def _add(args: argparse.Namespace) -> int:
    from attendance.kiosk.store import roster
    from attendance.kiosk.store.database import writing
    from attendance.reports.student_list import make_enrolment

    context = open_context(args)
    enrolment = make_enrolment(
        student_id=args.student_id.strip(),
        name=args.name.strip(),
        section=args.section,
        grade=args.grade,
        sex=args.sex,
        lrn=args.lrn,
        session=args.session,
        guardian=args.guardian,
        phones=args.phone,
        region=context.settings.school.phone_region,
        sessions=list(context.sessions),
    )
    with writing(context.database()) as conn:
        added = roster.enrol(conn, enrolment, context.clock.now())
    print(f"{enrolment.student_id} {'added' if added else 'brought up to date'}.")
    return 0


def _remove(args: argparse.Namespace) -> int:
    from attendance.kiosk.store import roster
    from attendance.kiosk.store.database import writing

    context = open_context(args)
    with writing(context.database()) as conn:
        roster.remove(conn, args.student_id, context.clock.now())
    print(
        f"{args.student_id} removed. Scans of the past stay readable; `attendance students erase` forgets the person."
    )
    return 0


def _erase(args: argparse.Namespace) -> int:
    from attendance.kiosk import erasure
    from attendance.kiosk.store import roster
    from attendance.kiosk.store.database import reading

    context: Context = open_context(args)
    with reading(context.database()) as conn:
        keys = [roster.key_of(conn, student_id) for student_id in args.student_id]
    if not args.yes:
        print(f"Forget {', '.join(args.student_id)} for good, with guardians, cards and photos? Type yes: ", end="")
        if input().strip().lower() != "yes":
            print("Nothing was changed.")
            return 1
    erasure.erase(context.paths.database, context.paths.data_dir, keys)
    print(f"{len(keys)} erased. Their scans stay as numbers without a name.")
    return 0
