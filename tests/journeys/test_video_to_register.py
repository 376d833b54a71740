"""A recorded morning gives exactly its register, however it is played."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gate_process import GateProcess

from attendance.domain.card import sign
from attendance.sim.gate_camera import Passer
from attendance.sim.school import invent
from attendance.sim.video import Passage, one_after_another, record
from attendance.vision import assets

AT = ["--at", "2026-06-08T06:40"]
FAST = ["--headless", "--fast", "--exit-at-end"]
DAMAGES = ["blur", "noise", "low_light", "low_contrast", "uneven_light", "jpeg", "curved", "inverted"]
STUDENTS = list(invent(8, 3))


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory, assets_dir: Path) -> Path:
    """Six students pass one after another, each through another damage; then two at once and a stranger."""
    path = tmp_path_factory.mktemp("video") / "morning.avi"
    passers = [Passer(s.student_id, s.last_name, s.student_id, s.section, n) for n, s in enumerate(STUDENTS)]
    passages = one_after_another(passers[:6])
    after = passages[-1].start_s + 4
    passages += [Passage(passers[6], after), Passage(passers[7], after)]
    passages.append(Passage(Passer("LIBRARY-7", "Visitor", "-", "-", 99), after + 4))
    record(path, passages, portrait=assets.find(assets_dir).portrait, damages=DAMAGES, seed=5)
    return path


@pytest.fixture
def gate(tmp_path: Path, assets_dir: Path) -> Iterator[GateProcess]:
    gate = GateProcess(tmp_path, assets_dir)
    gate.command("students", "import", str(_school(tmp_path)))
    yield gate
    gate.kill()


def _school(folder: Path) -> Path:
    path = folder / "school.csv"
    rows = [f"{s.student_id},{s.last_name},{s.first_name},{s.section},{s.phone}" for s in STUDENTS]
    path.write_text("student_id,last_name,first_name,section,parent_phone\n" + "\n".join(rows) + "\n")
    return path


def _play(gate: GateProcess, video: Path, *words: str) -> None:
    gate.start("--source", f"video:{video}", *AT, *words)
    assert gate.process is not None
    assert gate.process.wait(120) == 0


def _passed(gate: GateProcess) -> list[str]:
    return sorted(row["student_id"] for row in gate.register("--date", "2026-06-08"))


def test_everybody_once_nobody_else_and_the_same_when_played_again(gate: GateProcess, morning: Path) -> None:
    """Nobody missing, nobody twice, nobody wrong; playing it again adds nothing."""
    _play(gate, morning, *FAST)
    rows = gate.register("--date", "2026-06-08")
    assert sorted(row["student_id"] for row in rows) == [s.student_id for s in STUDENTS]
    assert {(row["direction"], row["status"]) for row in rows} == {("in", "on_time")}
    assert [row["seq"] for row in rows] == list(range(1, 9))
    assert all((gate.data / row["photo"]).read_bytes()[:2] == b"\xff\xd8" for row in rows if row["photo"])
    assert sum(bool(row["photo"]) for row in rows) >= 6
    assert all(row["photo"] or row["photo_reason"] for row in rows)
    strangers = [r for r in gate.register("--date", "2026-06-08", "--all") if r["status"] == "unknown_card"]
    assert len(strangers) == 1
    _play(gate, morning, *FAST)
    assert gate.register("--date", "2026-06-08") == rows


def test_stopped_in_the_middle_and_played_again_gives_the_same(
    gate: GateProcess, morning: Path, eventually: Callable[..., None]
) -> None:
    """A power cut in the middle of the morning costs nothing and doubles nothing."""
    gate.start("--source", f"video:{morning}", *AT, "--headless")
    eventually(lambda: gate.get("/health/database")["total_records"] >= 2, within_s=60)
    gate.stop(signal.SIGKILL)
    assert 2 <= len(_passed(gate)) < 8
    _play(gate, morning, *FAST)
    assert _passed(gate) == [s.student_id for s in STUDENTS]


def test_signed_cards_pass_and_forged_and_revoked_ones_do_not(
    gate: GateProcess, tmp_path: Path, assets_dir: Path
) -> None:
    """A friend's card cannot be printed, and a lost one can be called back."""
    gate.command("cards", "key")
    gate.command("cards", "revoke", STUDENTS[2].student_id)
    key_id, secret = (gate.data / "cards.key").read_text().split()
    import base64

    key = base64.b32decode(secret)
    payloads = [
        sign(STUDENTS[0].student_id, 1, key_id, key),
        sign(STUDENTS[1].student_id, 1, key_id, b"x" * 32),
        sign(STUDENTS[2].student_id, 1, key_id, key),
        sign(STUDENTS[2].student_id, 2, key_id, key),
    ]
    passers = [Passer(p, "Card", "-", "-", n) for n, p in enumerate(payloads)]
    video = tmp_path / "cards.avi"
    record(video, one_after_another(passers), portrait=assets.find(assets_dir).portrait)
    _play(gate, video, *FAST)
    outcomes = [row["status"] for row in gate.register("--date", "2026-06-08", "--all")]
    assert outcomes == ["on_time", "forged_card", "revoked_card", "on_time"]
