"""A one-time code becomes a place at a centre, or a sentence that says why not."""

import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from certificates import self_signed
from gate_data import GateData, run_until
from memory_disk import in_memory
from small_centre import SCHOOL, Answered, SmallCentre, Told
from sync_desk import MACHINE, reopened
from wire import Wire

from attendance.domain import wire
from attendance.errors import AttendanceError, BadInput
from attendance.kiosk.sync import credentials, enrolment
from attendance.kiosk.sync.enrolment import Enrolment
from attendance.kiosk.sync.exchange import CentreError, CentreUnreachable, ClockWrong

CODE = "ABCD1234"


@pytest.fixture
def centre() -> Iterator[SmallCentre]:
    with SmallCentre() as centre:
        yield centre


@pytest.fixture
def gate(tmp_path: Path) -> GateData:
    return GateData(tmp_path).create()


def enrol(gate: GateData, url: str, code: str = CODE, **options: Any) -> Enrolment:
    return enrolment.enrol(gate.database, gate.data, url, code, MACHINE, **options)


def test_a_code_becomes_a_place(gate: GateData, centre: SmallCentre) -> None:
    """The centre learns the hash of a key that never leaves the gate, and lets that in from then on."""
    found = enrol(gate, centre.url)
    place = credentials.load(gate.data)
    assert place == found.credentials
    assert (place.school_id, place.gate_name, found.students_wanted) == (SCHOOL, "Main gate", True)
    [told] = centre.asked
    assert "authorization" not in told.headers
    assert place.token not in str(told.json)
    assert told.json["device_id"] == "gate-1"
    assert centre.keys == {wire.key_hash(place.token)}
    with reopened(gate.folder) as desk:
        desk.work()
    assert len(centre.ids("student")) == 3


@pytest.mark.parametrize("typed", ["abcd-1234", " ABCD 1234\n", "AbCd1234"])
def test_a_code_is_taken_as_people_type_it(gate: GateData, centre: SmallCentre, typed: str) -> None:
    """Hyphens, spaces and case do not matter."""
    enrol(gate, f"  {centre.url}/ ", typed)
    assert credentials.is_enrolled(gate.data)


def test_a_lost_answer_is_asked_for_again(gate: GateData, centre: SmallCentre) -> None:
    """The same code with the same key has the same answer; another machine does not get it."""
    centre.fault = lambda told, honest: None
    with pytest.raises(CentreUnreachable):
        enrol(gate, centre.url)
    assert not credentials.is_enrolled(gate.data)
    centre.fault = None
    enrol(gate, centre.url)
    assert len(centre.keys) == 1


def test_a_used_code_is_refused_with_the_centre_s_words(gate: GateData, centre: SmallCentre) -> None:
    """And nothing is kept of it."""
    centre.codes[CODE] = "0" * 64
    with pytest.raises(BadInput, match="does not enrol this gate: The code was used already"):
        enrol(gate, centre.url)
    with pytest.raises(BadInput, match=r"The code is wrong\. Ask for a new one"):
        enrol(gate, centre.url, "XXXX")
    assert not credentials.is_enrolled(gate.data)


def test_a_wrong_code_is_mended_by_the_right_one(gate: GateData, centre: SmallCentre) -> None:
    """What was begun with another code does not stand in the way."""
    with pytest.raises(BadInput):
        enrol(gate, centre.url, "XXXX")
    enrol(gate, centre.url)
    assert not (gate.data / ".centre-invited.json").exists()


def test_a_gate_has_one_place(gate: GateData, centre: SmallCentre) -> None:
    """It has to leave the one first; what waits stays."""
    enrol(gate, centre.url)
    with pytest.raises(BadInput, match="enrolled already: as 'Main gate' of 'Mabini'"):
        enrol(gate, centre.url)
    left = enrolment.leave(gate.data)
    assert left is not None
    assert left.school == "Mabini"
    assert gate.value("SELECT count(*) FROM sync_queue WHERE state = 'waiting'") == 3
    with pytest.raises(BadInput, match="not enrolled"):
        enrolment.leave(gate.data)


def test_a_damaged_place_can_be_left(gate: GateData) -> None:
    """Otherwise nobody could ever enrol such a gate again."""
    (gate.data / "centre.json").write_text("{")
    assert enrolment.leave(gate.data) is None
    assert not credentials.is_enrolled(gate.data)


def test_another_school_is_asked_about(gate: GateData, centre: SmallCentre) -> None:
    """A code of the wrong school sends nobody's children there; who means it, sends everything."""
    enrol(gate, centre.url)
    with reopened(gate.folder) as desk:
        desk.work()
    enrolment.leave(gate.data)
    with SmallCentre(school_id=SCHOOL.replace("1", "2")) as other:
        with pytest.raises(BadInput, match="--other-school"):
            enrol(gate, other.url)
        assert not credentials.is_enrolled(gate.data)
        enrol(gate, other.url, other_school=True)
        with reopened(gate.folder) as desk:
            desk.work()
        assert len(other.ids("student")) == 3


def test_the_same_school_gets_nothing_twice(gate: GateData, centre: SmallCentre) -> None:
    """Leaving and coming back."""
    enrol(gate, centre.url)
    with reopened(gate.folder) as desk:
        desk.work()
        enrolment.leave(gate.data)
        centre.codes["NEW"] = ""
        enrol(gate, centre.url, "NEW")
        asked = len(centre.asked)
        desk.courier.step()
    assert len(centre.asked) == asked


def test_a_login_page_is_not_a_centre(gate: GateData, centre: SmallCentre) -> None:
    """A captive portal answers everything."""
    page = Answered(200, b"<html>Welcome to the network</html>", {"Content-Type": "text/html"})
    centre.fault = lambda told, honest: page
    with pytest.raises(CentreError, match="not the centre's"):
        enrol(gate, centre.url)


def test_an_unsigned_yes_enrols_nobody(gate: GateData, centre: SmallCentre) -> None:
    """Whoever has not seen the key is not who was asked."""
    centre.fault = lambda told, honest: Answered(200, honest.body)
    with pytest.raises(CentreError, match="no right signature"):
        enrol(gate, centre.url)
    assert not credentials.is_enrolled(gate.data)


@pytest.mark.parametrize("url", ["http://8.8.8.8", "http://[2001:4860:4860::8888]:8000"])
def test_plain_http_is_refused_in_public(gate: GateData, url: str) -> None:
    """The names of children do not go through the internet for all to read."""
    with pytest.raises(CentreError, match=r"not on a private network.*Use https"):
        enrol(gate, url)


@pytest.mark.parametrize("url", ["", "ftp://centre.example", "https://", "https://user@centre.example", "https://a b"])
def test_what_is_no_address_is_told_so(gate: GateData, url: str) -> None:
    """Before anything is asked."""
    with pytest.raises(BadInput, match="address"):
        enrol(gate, url)


def test_https_is_meant_where_nothing_is_said(gate: GateData, centre: SmallCentre) -> None:
    """``centre.example`` is https://centre.example: here nobody speaks TLS."""
    with pytest.raises(CentreUnreachable, match=r"https://127\.0\.0\.1.*TLS"):
        enrol(gate, centre.url.removeprefix("http://"))


def expired(folder: Path) -> tuple[Path, Path]:
    """A certificate that ended yesterday, and its key."""
    key, request, certificate, names = (folder / name for name in ("key.pem", "request.pem", "cert.pem", "names"))
    names.write_text("subjectAltName=IP:127.0.0.1\n")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost"]
    for command in (
        ["req", "-new", *curve, "-keyout", key, "-out", request],
        ["x509", "-req", "-in", request, "-signkey", key, "-days", "-1", "-extfile", names, "-out", certificate],
    ):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    return certificate, key


def test_an_expired_certificate_may_be_a_wrong_clock(tmp_path: Path, gate: GateData) -> None:
    """A gate without a clock is in the wrong year: it says so, instead of blaming the centre."""
    certificate, key = expired(tmp_path)
    machine = replace(MACHINE, ca_file=certificate)
    with Wire(b"", certificate=(certificate, key)) as server, pytest.raises(ClockWrong, match="Check the date"):
        enrolment.enrol(gate.database, gate.data, server.url, CODE, machine)


def test_a_stranger_s_certificate_is_told_as_such(tmp_path: Path, gate: GateData) -> None:
    """It is not the clock's fault."""
    certificate, key = self_signed(tmp_path)
    with (
        Wire(b"", certificate=(certificate, key)) as server,
        pytest.raises(CentreUnreachable, match="certificate that is not trusted") as caught,
    ):
        enrol(gate, server.url)
    assert not isinstance(caught.value, ClockWrong)


@pytest.fixture
def folder() -> Iterator[Path]:
    yield from in_memory()


def test_killed_anywhere_the_same_command_goes_on(folder: Path, centre: SmallCentre) -> None:
    """Before each change of the file system in turn: the code is never lost to a half enrolment."""
    step, ended = 0, False
    while not ended:
        step += 1
        centre.codes, centre.keys = {CODE: ""}, set()
        gate = GateData(folder / str(step)).create(1)
        ended = run_until(step, lambda gate=gate: enrol(gate, centre.url))  # type: ignore[misc]
        if not credentials.is_enrolled(gate.data):
            enrol(gate, centre.url)
        place = credentials.load(gate.data)
        assert place is not None
        assert centre.keys == {place.key_hash}
        with sqlite3.connect(gate.database) as conn:
            assert conn.execute("SELECT value FROM meta WHERE key = 'centre.school_id'").fetchone()[0] == SCHOOL
    assert step > 3


def test_faults_of_the_answer_are_told(gate: GateData, centre: SmallCentre) -> None:
    """A signed answer that lacks what was promised is a centre of another version."""

    def short(told: Told, honest: Answered) -> Answered:
        body = b'{"gate_id": 5}'
        name = told.headers[wire.REQUEST_HEADER.lower()]
        signature = wire.signature_of_answer(told.json["key_hash"], name, 200, body)
        return Answered(200, body, {wire.SIGNATURE_HEADER: signature})

    centre.fault = short
    with pytest.raises(AttendanceError, match="answer is faulty"):
        enrol(gate, centre.url)
