"""A school's list of students, as both the gate and the centre take it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attendance.reports.student_list import StudentList


def read_list(
    file: Path, region: str, sessions: Sequence[str], *, skip_bad: bool = False, only_look: bool = False
) -> "StudentList":
    """The rows of a file; the faulty ones are printed.

    Args:
        skip_bad: good rows will do.
        only_look: nothing is going to be changed, whatever is in it.

    Raises:
        BadInput: it is no list, or has faulty rows that are not to be skipped.
    """
    from attendance.errors import BadInput
    from attendance.reports.student_list import read_students

    students = read_students(file, region, sessions)
    for fault in students.faults:
        print(f"line {fault.line}: {fault.reason}", file=sys.stderr)
    if students.faults and not skip_bad and not only_look:
        raise BadInput(
            f"{len(students.faults)} faulty rows in {str(file)!r}, listed above; nothing was changed. "
            "Mend them, or take only the good rows with --skip-bad."
        )
    return students
