"""The centre calls, and is told how the gate is; what it orders is done once, and only if it is the centre's."""

import gzip
import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from centre_school import TOKEN, CentreSchool, DownDesk, a_school, at_the_desk, opened
from gate_data import GateData
from small_centre import GATE

from attendance.config import Settings
from attendance.config.catalogue import keys
from attendance.domain.contact import Heartbeat
from attendance.kiosk.store.database import reading, writing
from attendance.kiosk.store.heads import heads
from attendance.kiosk.sync.app import down_plan, secrets
from attendance.kiosk.sync.centre_settings import OPEN_TO_COMMANDS
from attendance.kiosk.sync.log_bundle import Veil, bundle

centre = pytest.fixture(a_school)
desk = pytest.fixture(at_the_desk)


def result(centre: CentreSchool, command_id: str) -> tuple[str, str]:
    told = centre.results[command_id]
    return told["state"], told["detail"]


def test_a_call_tells_how_the_gate_is(desk: DownDesk, centre: CentreSchool) -> None:
    """Queue, heads of the chain, health and what it has; in the words of the wire, and nobody is named."""
    made = desk.gate.scan("1")
    centre.enrol_students("1", "2", "3")
    centre.scan("1", centre.now)
    desk.work(2)
    beat = Heartbeat.model_validate(centre.beats[-1])
    assert beat.queue.items > 0
    assert [(head.device_id, head.epoch, head.last_seq) for head in beat.heads] == [("gate-1", made.epoch, 1)]
    assert len(beat.heads[0].chain) == 64
    assert (beat.applied.changes, beat.applied.scans) == (3, 1)
    assert {"overall_status", "system", "database", "components", "problems"} <= set(beat.health)
    assert beat.clock_trusted
    text = json.dumps(centre.beats)
    assert not any(word in text for word in ("Student 1", "+63917", TOKEN))


def test_calls_come_each_minute(desk: DownDesk, centre: CentreSchool) -> None:
    """No more often, however often the service is woken."""
    for _ in range(30):
        desk.beat()
        desk.clock.advance(10)
    assert 5 <= len(centre.beats) <= 6


def test_an_unreachable_centre_is_asked_ever_less_often(desk: DownDesk, centre: CentreSchool) -> None:
    """And called again when it is back."""
    centre.before = lambda told: False
    for _ in range(60):
        desk.beat()
        desk.clock.advance(10)
    assert centre.beats == []
    centre.before = lambda told: True
    desk.clock.advance(3600)
    desk.beat()
    assert len(centre.beats) == 1


def test_each_series_has_its_head(desk: DownDesk) -> None:
    """Of every device and epoch."""
    first = [desk.gate.scan("1", passage) for passage in (1, 2)]
    with writing(desk.database) as conn:
        conn.execute("INSERT INTO epochs (epoch, reason, began_at) VALUES ('e2', 'restored', 'now')")
    desk.gate.scan("2")
    with reading(desk.database) as conn:
        found = {head.epoch: head.last_seq for head in heads(conn)}
    assert found == {first[0].epoch: 2, "e2": 1}


def test_a_restart_is_asked_for_once_and_done_when_the_gate_runs_again(tmp_path: Path, centre: CentreSchool) -> None:
    """It is durable before it is asked for, so the next run reports it and does not restart again."""
    with opened(tmp_path, centre) as desk:
        command = centre.command("restart")
        desk.work(3)
        assert desk.restarts == ["the centre wants it"]
        assert command not in centre.results
        again = DownDesk(desk.gate)
        again.writer.start()
        again.work(3)
        again.writer.stop()
        assert again.restarts == []
        assert result(centre, command) == ("done", "The gate runs again.")


def test_a_backup_is_made_or_not(desk: DownDesk, centre: CentreSchool) -> None:
    """Either way the centre hears of it."""
    command = centre.command("backup")
    desk.work(2)
    assert result(centre, command) == ("done", "attendance_20260608.db")
    desk.fault = "The disk is full."
    command = centre.command("backup")
    desk.work(2)
    assert result(centre, command) == ("failed", "The disk is full.")


def test_sync_looks_at_everything_now(desk: DownDesk, centre: CentreSchool) -> None:
    """What waits is sent without its pause."""
    command = centre.command("sync")
    desk.work(2)
    assert desk.looks == 1
    assert result(centre, command)[0] == "done"


def test_logs_come_without_what_is_nobodys_business(desk: DownDesk, centre: CentreSchool) -> None:
    """Names, numbers and secrets are hidden, should one have got in."""
    folder = desk.gate.data / "logs"
    folder.mkdir()
    lines = f"a usual line\nStudent 1 came\nSMS to +639170000001\nBearer {TOKEN}\npassword hunter2hunter2\n"
    (folder / "attendance.log").write_text(lines)
    command = centre.command("logs")
    desk.work(2)
    assert result(centre, command)[0] == "done"
    sent = centre.logs[command]
    assert "a usual line" in sent
    assert "==> none.log <==\n(there is none)" in sent
    assert not any(word in sent for word in ("Student 1", "9170000001", TOKEN, "hunter2"))


def test_a_result_is_told_until_the_centre_has_it(desk: DownDesk, centre: CentreSchool) -> None:
    """An answer that is lost on the way means: tell it again; one that came: never again."""
    command = centre.command("sync")
    desk.work()
    centre.fault = lambda told, answered: None
    desk.work(2)
    centre.fault = None
    centre.beats.clear()
    desk.work(4)
    told = [[each["command_id"] for each in beat["results"]] for beat in centre.beats]
    assert [each for each in told if each] == [[command]]


def test_a_command_that_was_done_is_not_done_again(desk: DownDesk, centre: CentreSchool) -> None:
    """A centre that repeats itself changes nothing."""
    centre.command("sync")
    told = list(centre.commands)
    desk.work(2)
    centre.results.clear()
    centre.commands = told
    desk.work(5)
    assert desk.looks == 1


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"signature": "0" * 64}, "signature"),
        ({"gate_id": "0198c0de-0000-7000-8000-00000000000b"}, "not for this gate"),
        ({"expires_at": "2026-06-07T00:00:00.000000Z"}, "too late"),
    ],
)
def test_what_is_not_the_centres_is_refused(
    desk: DownDesk, centre: CentreSchool, changed: dict[str, Any], why: str
) -> None:
    """Another's, an altered one, and one that came too late; the centre is told."""
    command = centre.command("sync", **changed)
    desk.work(2)
    assert desk.looks == 0
    assert centre.results[command]["state"] == "refused"
    assert why in centre.results[command]["detail"]


def test_altered_arguments_break_the_signature(desk: DownDesk, centre: CentreSchool) -> None:
    """Whoever is on the way cannot make a command say something else."""
    command = centre.command("config", {"buzzer.enabled": True})
    centre.commands[0]["arguments"] = {"buzzer.enabled": False}
    desk.work(2)
    assert centre.results[command]["state"] == "refused"


def test_a_gate_that_does_not_know_the_time_leaves_expiry_to_the_centre(desk: DownDesk, centre: CentreSchool) -> None:
    """A clock that is a year ahead refuses nothing."""
    desk.clock.trusted = False
    desk.clock.step(365 * 86400)
    centre.command("sync")
    desk.work(2)
    assert desk.looks == 1


def test_an_interrupted_command_is_reported_and_not_begun_again(tmp_path: Path, centre: CentreSchool) -> None:
    """Half a backup is not a reason for another one in a loop."""
    with opened(tmp_path, centre) as desk:
        command = centre.command("backup")
        desk.clock.advance(61)
        desk.beat()
        with writing(desk.database) as conn:
            conn.execute("UPDATE centre_commands SET state = 'doing', run = 'an earlier one'")
        desk.work(2)
        assert result(centre, command) == ("failed", "The gate ended while it did this.")


def test_settings_hold_after_an_orderly_restart(tmp_path: Path, centre: CentreSchool) -> None:
    """They are written whole, together with what was decided before; taken back they are as the gate's file says."""
    with opened(tmp_path, centre) as desk:
        file = desk.gate.data / "centre-settings.json"
        first = centre.command("config", {"buzzer.enabled": True, "logging.level": "ERROR"})
        desk.work(2)
        assert json.loads(file.read_text()) == {"buzzer": {"enabled": True}, "logging": {"level": "ERROR"}}
        assert len(desk.restarts) == 1
        again = DownDesk(desk.gate)
        again.writer.start()
        again.work(2)
        assert result(centre, first)[0] == "done"
        second = centre.command("config", {"logging.level": None, "photo.jpeg_quality": 80})
        again.work(2)
        again.writer.stop()
        assert json.loads(file.read_text()) == {"buzzer": {"enabled": True}, "photo": {"jpeg_quality": 80}}
        assert second not in centre.results
        assert again.restarts == ["new settings of the centre"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"watchdog.restart_command": "rm -rf /"}, "no setting that the centre may change"),
        ({"sms_notifications.password": "x"}, "no setting that the centre may change"),
        ({"cloud.smallest_roster_percent": 0}, "no setting that the centre may change"),
        ({"buzzer.gpio_pin": "left"}, "buzzer.gpio_pin"),
        ({"buzzer.enabled.more": 1}, "buzzer.enabled"),
        ({"school.name": "${SMS_PASSWORD}"}, "school.name"),
        ({"disk_monitor.warn_threshold_percent": 1}, "disk_monitor"),
        ({"buzzer.no_such_key": 1}, "buzzer.no_such_key"),
    ],
)
def test_settings_that_are_faulty_or_not_the_centres_are_refused(
    desk: DownDesk, centre: CentreSchool, arguments: dict[str, Any], why: str
) -> None:
    """Each is judged together with all settings of this gate; nothing changes, nothing restarts."""
    command = centre.command("config", arguments)
    desk.work(2)
    assert centre.results[command]["state"] == "refused"
    assert why in centre.results[command]["detail"]
    assert not (desk.gate.data / "centre-settings.json").exists()
    assert desk.restarts == []


def test_settings_that_are_so_already_restart_nothing(desk: DownDesk, centre: CentreSchool) -> None:
    """Nor does taking back what was never decided."""
    command = centre.command("config", {"buzzer.enabled": None})
    desk.work(2)
    assert result(centre, command) == ("done", "The settings are so already.")
    assert desk.restarts == []


def test_what_is_open_to_commands_exists_and_is_no_secret() -> None:
    """Every name is a setting or a section, and none of them holds a secret, a path or an address."""
    known = keys()
    opened_up = {
        path
        for path in known
        if any(path == name or (name.endswith(".") and path.startswith(name)) for name in OPEN_TO_COMMANDS)
    }
    for name in OPEN_TO_COMMANDS:
        assert name.rstrip(".") in known, name
    assert not [path for path in opened_up if known[path].secret]
    ends = ("_file", "_dir", "path", "url", "host", "port", "command", "token", "password", "allow", "proxies")
    assert not [path for path in opened_up if path.endswith(tuple(f".{end}" for end in ends) + ends[:2])]


def test_a_veil_hides_whole_words_only() -> None:
    """A name inside another word is no name; the longest of several wins; one hit does not hide the next."""
    veil = Veil(["Ana Cruz", "Cruz", "ab", "x.y-secret"])
    text = "Ana Cruz met Cruz; Anabel Cruzado said ab and x.y-secret!"
    assert veil.over(text) == "(hidden) met (hidden); Anabel Cruzado said ab and (hidden)!"


def test_a_bundle_is_never_larger_than_the_centre_takes(tmp_path: Path) -> None:
    """Of logs that cannot be packed the newest lines are sent."""
    noise = random.Random(3)
    file = tmp_path / "attendance.log"
    with file.open("w") as stream:
        for number in range(60_000):
            stream.write(f"{number} {noise.getrandbits(512):x}\n")
    packed = bundle([file], Veil([]))
    assert len(packed) <= 2 * 1024 * 1024
    lines = gzip.decompress(packed).decode().splitlines()
    assert lines[0] == "==> attendance.log <=="
    assert lines[-1].startswith("59999 ")


def test_every_secret_of_the_settings_is_known(tmp_path: Path) -> None:
    """Those that the configuration masks are hidden in logs."""
    settings = Settings.model_validate(
        {"screen": {"token": "screen-token"}, "sms_notifications": {"password": "sms-password"}}
    )
    assert {"screen-token", "sms-password"} <= set(secrets(settings))
    assert "gate-1" not in secrets(settings)
    plan = down_plan(settings, GateData(tmp_path).paths)
    assert plan.limits.smallest_percent == 50
    assert plan.logs[0].name == "attendance.log"


def test_times_are_the_centres_where_they_matter(desk: DownDesk, centre: CentreSchool) -> None:
    """A gate whose clock is a year off keeps the other gates' scans of today."""
    desk.clock.trusted = False
    desk.clock.step(365 * 86400)
    centre.scan("1", centre.now - timedelta(hours=1))
    desk.work()
    assert desk.gate.value("SELECT count(*) FROM foreign_scans") == 1
    assert centre.beats[-1]["clock_trusted"] is False
    assert GATE in str(desk.client.credentials)
