"""Schools' lists as they really come."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from attendance.errors import BadInput
from attendance.reports.student_list import e164, read_students

SESSIONS = ("morning", "afternoon")


def read(path: Path, content: str | bytes) -> tuple[list[str], list[tuple[int, str]]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    found = read_students(path, "PH", SESSIONS)
    return [e.student_id for e in found.enrolments], [(f.line, f.reason) for f in found.faults]


@pytest.mark.parametrize(
    "content",
    [
        "student_id,name\n1,Ana\n",
        "Student No.;Name\n1;Ana\n",
        "ID Number\tFull Name\n1\tAna\n",
        "\ufeffLast Name,First Name,STUDENT NUMBER\nReyes,Ana,1\n",
        "student id,name\r\n\r\n1,Ana\r\n",
        "Student ID,Name\n1,Ana\n".encode("utf-16"),
        "Student ID,Name\n1,Peña\n".encode("cp1252"),
    ],
)
def test_usual_headings_separators_and_encodings_are_understood(tmp_path: Path, content: str | bytes) -> None:
    """Nobody has to rename columns or save the list in a certain way."""
    assert read(tmp_path / "list.csv", content) == (["1"], [])


def test_a_spreadsheet_reads_like_its_csv(tmp_path: Path) -> None:
    """Numbers lose the decimals that spreadsheets add, and are recognised by content, not by the file's name."""
    book = Workbook()
    book.active.append(["Student Number", "Name", "Guardian Contact"])
    book.active.append([2026001.0, "Ana", "0917 123 4567"])
    book.save(tmp_path / "list.csv")
    found = read_students(tmp_path / "list.csv", "PH", SESSIONS)
    assert found.enrolments[0].student_id == "2026001"
    assert found.enrolments[0].guardians[0].phone == "+639171234567"


def test_every_faulty_row_is_named_with_its_line_and_all_its_faults(tmp_path: Path) -> None:
    """Line numbers are those of an editor, also after quoted line breaks."""
    _, faults = read(
        tmp_path / "l.csv",
        'student_id,name,phone,lrn,session\n1,"Ana\nMaria",,,\n2,Ben,091700001234,12,night\n'
        ",Cy,,,\n3,Di,,,\n3,Ed,,,\n1.5E+10,F,,,\n",
    )
    assert [line for line, _ in faults] == [4, 5, 7, 8]
    assert "LRN" in faults[0][1]
    assert "night" in faults[0][1]
    assert "091700001234" in faults[0][1]
    assert "line 6" in faults[2][1]
    assert "spreadsheet" in faults[3][1]


@pytest.mark.parametrize(
    "content", ["", "hello\n", "name\nAna\n", b"\x00\x01\x02" * 50, b"PK\x03\x04rubbish", 'student_id,name\n1,"open\n']
)
def test_what_is_no_list_is_refused_with_a_sentence(tmp_path: Path, content: str | bytes) -> None:
    """A wrong file is not a traceback."""
    with pytest.raises(BadInput):
        read(tmp_path / "l.csv", content)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(content=st.binary(max_size=300))
def test_any_bytes_are_a_list_or_a_clear_refusal(tmp_path: Path, content: bytes) -> None:
    """Nothing a person can hand over crashes."""
    with suppress(BadInput):
        read(tmp_path / "l.csv", content)


@pytest.mark.parametrize("number", ["091712345678", "+1 555", "", "12345", "0917123456a", "0917-123-4567 ext 3"])
def test_a_number_that_cannot_exist_is_refused(number: str) -> None:
    """A wrong number would tell a stranger where a child is."""
    with pytest.raises(BadInput):
        e164(number, "PH")


@pytest.mark.parametrize("number", ["09171234567", "+63 917 123 4567", "0917-123-4567", "(0917) 1234567"])
def test_usual_ways_to_write_a_number_are_one_number(number: str) -> None:
    """Strict E.164 is what is stored."""
    assert e164(number, "PH") == "+639171234567"
