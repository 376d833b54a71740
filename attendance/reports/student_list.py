"""The school's list of students, from a CSV or XLSX file as schools really have them."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import phonenumbers
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from attendance.domain.card import LONGEST_NUMBER
from attendance.domain.enrolment import Enrolment, Guardian
from attendance.domain.student import BOTH_SESSIONS
from attendance.errors import BadInput

LARGEST_FILE_BYTES = 50 * 1024 * 1024
_LONGEST_NAME = 120
_COLUMNS = {
    "student_id": "studentid studentnumber studentno idnumber idno schoolid number",
    "lrn": "lrn learnerreferencenumber learnerreferenceno",
    "name": "name fullname studentname learnername nameoflearner learnersname",
    "last_name": "lastname surname familyname apelyido",
    "first_name": "firstname givenname pangalan",
    "middle_name": "middlename middleinitial mi gitnangpangalan",
    "suffix": "suffix nameextension extension",
    "section": "section sectionname class pangkat seksyon",
    "grade": "grade gradelevel yearlevel level baitang",
    "sex": "sex gender kasarian",
    "session": "session allowedsession shift",
    "guardian": "guardian guardianname parent parentname parentguardianname nameofguardian magulang",
    "phone": "phone parentphone guardianphone parentcontact guardiancontact parentguardiancontact contactnumber"
    " contactno mobile mobilenumber cellphone cellphonenumber emergencycontact phonenumber",
}
_FIELD_OF = {heading: field for field, headings in _COLUMNS.items() for heading in headings.split()}
_REQUIRED = {"student_id", "name", "last_name", "first_name"}
_SEXES = {"": "", "m": "M", "male": "M", "lalaki": "M", "f": "F", "female": "F", "babae": "F"}
_BOTH = {"", "both", "whole day", "wholeday", "all"}


@dataclass(frozen=True, slots=True)
class Fault:
    """A row that cannot be used; ``line`` counts from 1 as an editor or spreadsheet shows it."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class StudentList:
    """What a file holds: good rows and faulty ones."""

    enrolments: Sequence[Enrolment]
    faults: Sequence[Fault]


def read_students(path: Path, region: str, sessions: Sequence[str]) -> StudentList:
    """Read a school's list.

    Args:
        region: two-letter country for phone numbers written without a country code.
        sessions: names of the configured sessions.

    Raises:
        BadInput: the file as a whole is no list of students.
    """
    rows = list(_rows(path))
    if not rows:
        raise BadInput(f"{str(path)!r} is empty. It needs a line of headings and a line for each student.")
    columns = _columns(rows[0][1], path)
    enrolments: list[Enrolment] = []
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    for line, cells in rows[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            enrolment = _enrolment(cells, columns, region, sessions)
            if enrolment.student_id in seen:
                raise BadInput(
                    f"the student number {enrolment.student_id!r} stands in line {seen[enrolment.student_id]} too"
                )
        except BadInput as fault:
            faults.append(Fault(line, str(fault)))
            continue
        seen[enrolment.student_id] = line
        enrolments.append(enrolment)
    return StudentList(enrolments, faults)


def e164(text: str, region: str) -> str:
    """A phone number as E.164.

    Raises:
        BadInput: it is not a number that can exist; nothing is guessed or cut, a stranger might get the message.
    """
    if re.search(r"[A-Za-z]", text):
        raise BadInput(f"{text!r} is no phone number")
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise BadInput(f"{text!r} is no phone number") from error
    if not phonenumbers.is_valid_number(number) or number.extension:
        raise BadInput(f"{text!r} is no phone number that can exist in {region} (write it like +639171234567)")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The file's rows with their line numbers."""
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise BadInput(
                f"{str(path)!r} has more than {LARGEST_FILE_BYTES // 2**20} MB: that is no list of students."
            )
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{str(path)!r} cannot be read ({error.strerror}).") from error
    if content.startswith(b"PK\x03\x04"):
        yield from _xlsx_rows(content, path)
    else:
        yield from _csv_rows(content, path)


def _xlsx_rows(content: bytes, path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        sheet = load_workbook(io.BytesIO(content), read_only=True, data_only=True).worksheets[0]
        for line, row in enumerate(sheet.iter_rows(values_only=True), 1):
            yield line, [_cell(value) for value in row]
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, IndexError, OSError, SyntaxError) as error:
        raise BadInput(f"{str(path)!r} is a damaged spreadsheet ({error}). Save it as XLSX or CSV again.") from error


def _cell(value: Any) -> str:
    """A cell as a person reads it: whole numbers without the decimals that spreadsheets add."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _csv_rows(content: bytes, path: Path) -> Iterator[tuple[int, list[str]]]:
    text = _decoded(content, path)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadInput(f"{str(path)!r} is damaged from line {line} on ({error}). Save it as CSV again.") from error


def _decoded(content: bytes, path: Path) -> str:
    encodings = ["utf-16"] if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise BadInput(f"{str(path)!r} is neither a CSV nor an XLSX file. Save the list as CSV or XLSX.")


def _columns(headings: Sequence[str], path: Path) -> dict[str, list[int]]:
    """Which columns hold what; several may hold phones."""
    columns: dict[str, list[int]] = {}
    for position, heading in enumerate(headings):
        field = _FIELD_OF.get(re.sub(r"[^a-z0-9]", "", heading.lower()).rstrip("0123456789"))
        if field is not None and (field == "phone" or field not in columns):
            columns.setdefault(field, []).append(position)
    if "student_id" not in columns and "lrn" in columns:
        columns["student_id"] = columns["lrn"]
    named = "name" in columns or {"last_name", "first_name"} <= columns.keys()
    if "student_id" not in columns or not named:
        raise BadInput(
            f"The first line of {str(path)!r} does not name the columns: found "
            f"{', '.join(map(repr, headings)) or 'nothing'}. "
            "Needed: student_id, and name (or last_name and first_name). Also known: "
            f"{', '.join(field for field in _COLUMNS if field not in _REQUIRED)}."
        )
    return columns


def _enrolment(cells: Sequence[str], columns: dict[str, list[int]], region: str, sessions: Sequence[str]) -> Enrolment:
    def cell(field: str) -> str:
        positions = columns.get(field, [])
        return " ".join(cells[positions[0]].split()) if positions and positions[0] < len(cells) else ""

    last, first = cell("last_name"), " ".join(filter(None, (cell("first_name"), cell("middle_name"), cell("suffix"))))
    return make_enrolment(
        student_id=cell("student_id"),
        name=cell("name") or ", ".join(filter(None, (last, first))),
        section=cell("section"),
        grade=cell("grade"),
        sex=cell("sex"),
        lrn=cell("lrn"),
        session=cell("session"),
        guardian=cell("guardian"),
        phones=[
            part
            for position in columns.get("phone", [])
            if position < len(cells)
            for part in re.split(r"[;,/\n]", cells[position])
            if part.strip()
        ],
        region=region,
        sessions=sessions,
    )


def make_enrolment(
    *,
    student_id: str,
    name: str,
    section: str = "",
    grade: str = "",
    sex: str = "",
    lrn: str = "",
    session: str = "",
    guardian: str = "",
    phones: Sequence[str] = (),
    region: str,
    sessions: Sequence[str],
) -> Enrolment:
    """A checked enrolment from what a person wrote.

    Raises:
        BadInput: naming everything that is wrong with it.
    """
    faults = []
    if not student_id:
        faults.append("the student number is missing")
    elif len(student_id) > LONGEST_NUMBER or not student_id.isprintable():
        faults.append(
            f"the student number {student_id[:70]!r} is longer than {LONGEST_NUMBER} characters or unprintable"
        )
    elif re.fullmatch(r"\d(\.\d+)?[eE]\+?\d+", student_id):
        faults.append(f"the spreadsheet has cut the student number to {student_id!r}: format that column as text")
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        faults.append(f"the name is missing or longer than {_LONGEST_NAME} characters")
    if lrn and not re.fullmatch(r"\d{12}", lrn):
        faults.append(f"the LRN {lrn!r} must have 12 digits")
    if sex.lower() not in _SEXES:
        faults.append(f"the sex {sex!r} must be F, M or empty")
    allowed = BOTH_SESSIONS if session.lower() in _BOTH else session.lower()
    if allowed not in (BOTH_SESSIONS, *sessions):
        faults.append(f"the session {session!r} must be one of {', '.join((*sessions, BOTH_SESSIONS))}")
    numbers = []
    for phone in phones:
        try:
            numbers.append(e164(phone.strip(), region))
        except BadInput as fault:
            faults.append(str(fault))
    if faults:
        raise BadInput("; ".join(faults))
    guardians = tuple(Guardian(number, guardian) for number in dict.fromkeys(numbers))
    return Enrolment(student_id, name, section, grade, _SEXES[sex.lower()], lrn, allowed, guardians)
