"""``attendance fleet students``: whom all gates of a school know."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from attendance.cli.fleet_context import add_fleet_verb, open_office, school_of
from attendance.cli.student_file import read_list

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from attendance.fleet.store.schools import School

_REGION = "PH"


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = verbs.add_parser("students", help="the school's students, for all its gates")
    of_students = parser.add_subparsers(dest="what", required=True, metavar="WHAT")

    verb = of_students.add_parser("import", help="take a CSV or XLSX list; nothing is changed if any row is faulty")
    verb.add_argument("file", type=Path)
    verb.add_argument("--dry-run", action="store_true", help="only say what would happen")
    verb.add_argument("--skip-bad", action="store_true", help="take the good rows although others are faulty")
    verb.add_argument("--region", default=_REGION, help=f"country of phone numbers without a code; default {_REGION}")
    add_fleet_verb(verb, _import, school=True)

    verb = of_students.add_parser("list", help="all students")
    verb.add_argument("--json", action="store_true")
    add_fleet_verb(verb, _list_students, school=True)

    verb = of_students.add_parser("remove", help="students who left; the past stays readable")
    verb.add_argument("student_id", nargs="+")
    add_fleet_verb(verb, _remove, school=True)

    verb = of_students.add_parser("erase", help="forget a person for good, here and at every gate")
    verb.add_argument("student_id")
    verb.add_argument("--yes", action="store_true", help="do not ask")
    add_fleet_verb(verb, _erase, school=True)


def _import(args: argparse.Namespace) -> int:
    from attendance.fleet import directory

    with open_office(args) as office, office.writing() as conn:
        school = school_of(conn, args)
        students = read_list(
            args.file, args.region, _sessions(conn, school), skip_bad=args.skip_bad, only_look=args.dry_run
        )
        if args.dry_run:
            print(f"{len(students.enrolments)} good rows, {len(students.faults)} faulty. Nothing was changed.")
            return 1 if students.faults else 0
        done = directory.enrol(conn, school.school_id, students.enrolments, office.now)
        told = {"added": done.added, "changed": done.changed, "skipped": len(students.faults)}
        office.note(conn, school, "students-imported", school.school_id, told)
    skipped = f", {len(students.faults)} faulty rows skipped" if students.faults else ""
    print(
        f"{done.added} students added, {done.changed} brought up to date{skipped}. The gates take them when they call."
    )
    return 0


def _sessions(conn: "Connection", school: "School") -> list[str]:
    """Those of the school's schedule; without one, those that a gate has by itself.

    Raises:
        BadInput: the schedule is one that no gate takes.
    """
    from pydantic import ValidationError

    from attendance.config import Settings
    from attendance.errors import BadInput
    from attendance.fleet import directory

    schedule = directory.document(conn, school.school_id, "schedule") or {}
    try:
        return list(Settings.model_validate({"school_schedule": schedule}).school_schedule.sessions)
    except ValidationError as error:
        raise BadInput(
            f"The schedule of {school.name!r} at the centre has {error.error_count()} faults, and no gate takes it. "
            "Mend it: `attendance fleet schedule set FILE`."
        ) from error


def _list_students(args: argparse.Namespace) -> int:
    from attendance.fleet import directory

    with open_office(args) as office, office.reading() as conn:
        students = directory.students(conn, school_of(conn, args).school_id)
    if args.json:
        rows = [student.model_dump(exclude={"type", "student_key"}) for student in students]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return 0
    for student in students:
        told = "" if student.guardians else "  (no phone)"
        print(f"{student.student_id:16}  {student.section:16}  {student.name}{told}")
    print(f"{len(students)} students.")
    return 0


def _remove(args: argparse.Namespace) -> int:
    from attendance.errors import BadInput
    from attendance.fleet import directory

    with open_office(args) as office, office.writing() as conn:
        school = school_of(conn, args)
        removed = directory.remove(conn, school.school_id, args.student_id, office.now)
        if removed != len(set(args.student_id)):
            raise BadInput(f"Only {removed} of these numbers are students of {school.name}. Nothing was changed.")
        office.note(conn, school, "students-removed", school.school_id, {"students": removed})
    print(f"{removed} removed. The gates take them off when they call; the past stays readable.")
    return 0


def _erase(args: argparse.Namespace) -> int:
    from attendance.errors import BadInput
    from attendance.fleet import directory

    if not args.yes:
        print(f"Forget {args.student_id} for good, here and at every gate? Type yes: ", end="", flush=True)
        if input().strip().lower() != "yes":
            print("Nothing was changed.")
            return 1
    with open_office(args) as office, office.writing() as conn:
        school = school_of(conn, args)
        if not directory.erase(conn, school.school_id, args.student_id, office.now):
            raise BadInput(f"{school.name} has no student {args.student_id!r}.")
        office.note(conn, school, "student-erased", school.school_id, {})
    print("Erased here; each gate does it when it calls. The scans stay as numbers without a name.")
    return 0
