"""``attendance sync``, as whoever sets a gate up uses it, against a small centre."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_centre import SmallCentre

from attendance.cli import main
from attendance.clock import SystemClock
from attendance.kiosk.store import centre_refusals, sync_queue
from attendance.kiosk.store.database import reading, writing


class Gate:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._config = folder / "config.json"
        self.database = folder / "data/attendance.db"
        self._where = ["--config", str(self._config), "--data-dir", str(folder / "data")]
        self.configure()

    def configure(self, **sections: Any) -> None:
        self._config.write_text(json.dumps(sections))

    def __call__(self, *words: str) -> tuple[int, str, str]:
        code = main([*words, *self._where])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def status(self) -> Any:
        return json.loads(self("sync", "status", "--json")[1])


@pytest.fixture
def gate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Gate:
    gate = Gate(tmp_path, capsys)
    added = gate("students", "add", "2026-0001", "Cruz, Ana", "--section", "7-A")
    assert added[0] == 0, added
    return gate


@pytest.fixture
def centre() -> Iterator[SmallCentre]:
    with SmallCentre() as centre:
        yield centre


def test_enrolling_and_sending(gate: Gate, centre: SmallCentre) -> None:
    """From a code to records at the centre, and what is said on the way."""
    assert gate.status()["enrolled"] is False
    code, out, err = gate("sync", "enroll", centre.url, "abcd-1234")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == f"Enrolled as 'Main gate' of 'Mabini' at {centre.url}."
    assert "become its list" in out
    assert gate("sync", "now")[:2] == (0, "1 records are at the centre, 0 pictures were sent.\n")
    assert len(centre.ids("student")) == 1


def test_status_tells_whether_the_centre_answers(gate: Gate, centre: SmallCentre) -> None:
    """Not only that there was an enrolment once; and a program reads the same."""
    gate("sync", "enroll", centre.url, "ABCD1234")
    code, out, _ = gate("sync", "status")
    assert code == 1  # the small centre knows no changes
    assert "The centre refuses: No such address" in out
    centre.keys.clear()
    code, out, _ = gate("sync", "status")
    assert (code, "does not let this gate in: This gate was revoked." in out) == (1, True)
    found = gate.status()
    assert (found["school"], found["answers"], found["waiting"]) == ("Mabini", False, 1)


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("", "WRONG", "does not enrol this gate: The code is wrong. Ask for a new one."),
        ("http://8.8.8.8", "ABCD1234", "Use https."),
        ("ftp://centre.example", "ABCD1234", "is no address"),
        ("http://127.0.0.1:1", "ABCD1234", "cannot be reached (Connection refused)."),
    ],
)
def test_each_fault_is_a_sentence(gate: Gate, centre: SmallCentre, url: str, code: str, words: str) -> None:
    """And the exit code is 1."""
    exit_code, out, err = gate("sync", "enroll", url or centre.url, code)
    assert (exit_code, out) == (1, "")
    assert err.startswith("attendance: ")
    assert words in err
    assert gate.status()["enrolled"] is False


def test_a_second_enrolment_and_leaving(gate: Gate, centre: SmallCentre) -> None:
    """One place at a time; what waits stays."""
    gate("sync", "enroll", centre.url, "ABCD1234")
    code, _, err = gate("sync", "enroll", centre.url, "ABCD1234")
    assert (code, "enrolled already" in err, "attendance sync leave" in err) == (1, True, True)
    code, out, _ = gate("sync", "leave")
    assert (code, "What was not sent stays here." in out) == (0, True)
    assert gate.status()["waiting"] == 1
    assert "not enrolled" in gate("sync", "leave")[2]
    assert "not enrolled" in gate("sync", "now")[2]


def test_what_would_surprise_is_said_at_once(gate: Gate, centre: SmallCentre) -> None:
    """Another time zone than the centre's, and an exchange that is switched off."""
    gate.configure(cloud={"enabled": False}, school={"timezone": "Asia/Tokyo"})
    code, _, err = gate("sync", "enroll", centre.url, "ABCD1234")
    assert code == 0
    assert "'Asia/Manila' and this gate is in 'Asia/Tokyo'" in err
    assert "cloud.enabled is off" in err


def test_the_dead_are_listed_and_sent_again(gate: Gate, centre: SmallCentre) -> None:
    """With the centre's reason, all of them or some."""
    gate("sync", "enroll", centre.url, "ABCD1234")
    with reading(gate.database) as conn:
        [row] = sync_queue.take(conn, 9, SystemClock().now())
    centre.results[row.record_id] = {"result": "rejected", "reason": "no such grade"}
    code, out, _ = gate("sync", "now")
    assert (code, "1 records were not taken" in out) == (1, True)
    assert "no such grade" in gate("sync", "dead", "list")[1]
    [dead] = json.loads(gate("sync", "dead", "list", "--json")[1])
    assert (dead["record_type"], dead["record_id"]) == ("student", row.record_id)
    assert gate("sync", "dead", "retry", "99")[0] == 1
    centre.results.clear()
    assert gate("sync", "dead", "retry", str(dead["position"]))[1] == "1 records wait again.\n"
    assert gate("sync", "now")[0] == 0


def test_a_small_roster_is_accepted_by_a_person(gate: Gate) -> None:
    """Only one that was refused as too small."""
    assert gate("sync", "accept-roster")[0] == 1
    with writing(gate.database) as conn:
        refusal = centre_refusals.Refusal("roster", 7, "too small", students=100, remaining=10)
        centre_refusals.keep(conn, refusal, SystemClock().now())
    assert gate("sync", "accept-roster")[1].startswith("A list with 10 of the 100 known students is taken")


def test_no_secret_is_told(gate: Gate, centre: SmallCentre) -> None:
    """Neither at the enrolment nor by the status."""
    said = gate("sync", "enroll", centre.url, "ABCD1234")[1]
    said += gate("sync", "status", "--json")[1] + gate("sync", "status")[1]
    token = json.loads((gate.database.parent / "centre.json").read_text())["token"]
    assert token not in said
