"""The office's verbs, from an empty data directory to cards, calendar and reports."""

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from attendance.cli import main
from attendance.reports import daily

Verb = Callable[..., tuple[int, str, str]]


@pytest.fixture
def verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Verb:
    """Run a verb on this test's data directory; code, output, errors."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main([*words, "--data-dir", str(tmp_path / "data")])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def school(tmp_path: Path, verb: Verb) -> Path:
    path = tmp_path / "school.csv"
    assert main(["demo-school", "--count", "30", "--out", str(path)]) == 0
    assert verb("students", "import", str(path))[0] == 0
    return path


def test_an_invented_school_is_imported_and_read_back(verb: Verb, school: Path) -> None:
    """The list a newcomer makes is the list the gate knows; importing it again changes nothing."""
    _, out, _ = verb("students", "list", "--json")
    rows = list(csv.DictReader(school.open(encoding="utf-8")))
    assert sorted(s["student_id"] for s in json.loads(out)) == [row["student_id"] for row in rows]
    assert verb("students", "import", str(school))[1].startswith("0 students added, 30 brought up to date")
    shown = json.loads(verb("students", "show", "2026-0001", "--json")[1])
    assert shown["guardians"][0]["phone"].startswith("+63917")


def test_a_list_with_a_faulty_row_changes_nothing_unless_told(verb: Verb, tmp_path: Path) -> None:
    """All or nothing, with the line and the reason; ``--skip-bad`` takes the good rows, ``--dry-run`` none."""
    path = tmp_path / "l.csv"
    path.write_text("student_id,name,phone\n1,Ana,09171234567\n2,Ben,123\n")
    code, _, err = verb("students", "import", str(path))
    assert code == 1
    assert "line 3: '123'" in err
    assert json.loads(verb("students", "list", "--json")[1]) == []
    assert verb("students", "import", str(path), "--dry-run")[0] == 1
    assert json.loads(verb("students", "list", "--json")[1]) == []
    assert verb("students", "import", str(path), "--skip-bad")[0] == 0
    assert [s["student_id"] for s in json.loads(verb("students", "list", "--json")[1])] == ["1"]


def test_students_are_added_changed_removed_and_erased(verb: Verb) -> None:
    """A removed student can come back under the same key; an erased one is unknown."""
    assert verb("students", "add", "7", "Ana Cruz", "--section", "7-A", "--phone", "0917 123 4567")[0] == 0
    assert "brought up to date" in verb("students", "add", "7", "Ana Reyes")[1]
    shown = json.loads(verb("students", "show", "7", "--json")[1])
    assert (shown["name"], len(shown["guardians"])) == ("Ana Reyes", 1)
    assert verb("students", "remove", "7")[0] == 0
    assert json.loads(verb("students", "list", "--json")[1]) == []
    assert verb("students", "erase", "7", "--yes")[0] == 0
    assert verb("students", "show", "7")[0] == 1
    assert verb("students", "add", "8", "Ben", "--phone", "12")[0] == 1


def test_cards_are_printed_signed_revoked_and_printed_anew(verb: Verb, school: Path, tmp_path: Path) -> None:
    """A lost card is called back, and the next print carries the next issue."""
    out = tmp_path / "cards.pdf"
    assert "30 plain cards" in verb("cards", "print", "--out", str(out))[1]
    assert out.read_bytes().startswith(b"%PDF")
    assert verb("cards", "key")[0] == 0
    assert (tmp_path / "data" / "cards.key").stat().st_mode & 0o777 == 0o600
    assert "1 signed cards" in verb("cards", "print", "--student", "2026-0001", "--out", str(out))[1]
    assert verb("cards", "check", "2026-0001")[0] == 0
    assert "issue plain, 1" in verb("cards", "revoke", "2026-0001", "--reason", "lost")[1]
    code, text, _ = verb("cards", "check", "2026-0001")
    assert (code, text.split(":")[0]) == (1, "revoked_card")
    assert {c["issue"] for c in json.loads(verb("cards", "list", "--json")[1])} == {0, 1}
    assert verb("cards", "register", "2026-0002", "--rfid", "04a1b2")[0] == 0
    assert verb("cards", "check", "04A1B2")[1].startswith("2026-0002")
    assert verb("cards", "revoke", "04a1b2", "--rfid")[0] == 0
    assert verb("cards", "check", "04A1B2")[0] == 1


def test_the_calendar_takes_lists_and_gives_back(verb: Verb) -> None:
    """A day, a span, a session; nonsense is refused."""
    assert verb("calendar", "add", "2026-12-25", "--name", "Christmas")[0] == 0
    assert verb("calendar", "add", "2026-06-10", "2026-06-12", "--name", "Typhoon", "--kind", "suspension")[0] == 0
    entries = json.loads(verb("calendar", "list", "--json")[1])
    assert [(e["first_day"], e["last_day"]) for e in entries] == [
        ("2026-06-10", "2026-06-12"),
        ("2026-12-25", "2026-12-25"),
    ]
    assert verb("calendar", "remove", str(entries[0]["number"]))[0] == 0
    assert verb("calendar", "remove", "99")[0] == 1
    assert verb("calendar", "add", "2026-06-12", "2026-06-10", "--name", "x")[0] == 1
    assert verb("calendar", "add", "2026-06-12", "--name", "x", "--session", "night")[0] == 1


def test_an_empty_day_is_an_empty_report(verb: Verb) -> None:
    """Before the first scan there is a clear answer in every form."""
    assert verb("report", "day", "--date", "2026-06-08", "--json")[1].strip() == "[]"
    assert "No scans" in verb("report", "day", "--date", "2026-06-08")[1]
    assert verb("report", "day", "--csv")[1].startswith("student_id,name,section,direction,status")


def test_a_name_that_is_a_formula_stays_text_in_a_spreadsheet() -> None:
    """A CSV that a teacher opens runs nothing."""
    row = dict.fromkeys(daily.COLUMNS, "") | {"name": '=HYPERLINK("http://x")'}
    [_, cells] = list(csv.reader(io.StringIO(daily.as_csv([row]))))
    assert cells[1].startswith("'=")


def test_status_and_doctor_speak_before_there_is_anything(verb: Verb) -> None:
    """On a fresh machine both say what is missing and what to do."""
    code, out, _ = verb("status", "--json")
    assert code == 1
    assert json.loads(out)["stored"] is None
    code, out, _ = verb("doctor", "--json")
    findings = {finding["what"]: finding for finding in json.loads(out)}
    assert {"camera", "face models", "disk", "database", "clock", "data directory", "port", "versions"} <= set(findings)
    assert findings["camera"]["ok"] is False
    assert findings["camera"]["remedy"]


def test_the_installed_command_is_the_same_program(tmp_path: Path) -> None:
    """``python -m attendance`` from anywhere answers like the script."""
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "attendance", "--version"], capture_output=True, text=True, cwd=tmp_path, check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.stdout.startswith("attendance ")
