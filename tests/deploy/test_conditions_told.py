"""What goes wrong at a real gate is told by Prometheus and Alertmanager, and by gate and centre: the same story.

Two gates and a centre run as the programs that they are, for which hours are seconds (``hurried_program.py``). Each
condition of docs/operations/alerts.md is made where it arises in the field, and ended there; nobody hands in a problem.
Nearest boundaries instead of hardware: the files in which firmware and system tell of heat, power and time; a film as
the camera, whose process is stopped, or killed whenever it begins, which no restart helps; a simulated phone; the page
of readers for cards; a leak in the real process; a lock on the backups; for the weeks before, rows in the ledger.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from monitoring import SEVERITY, Hurry, Listener, listening, monitoring
from staged_programs import TOLD_CHILD
from staged_school import ANNEX, MAIN, StagedSchool
from stories import FIRING, OVER, Stories

from attendance.sim.phone_faults import Fault

_PAGE = (Path(__file__).parents[2] / "docs/operations/alerts.md").read_text()
CONDITIONS = set(re.findall(r"^\| [^|]+ \| `([\w-]+)` \|$", _PAGE.split("## Which condition")[1], re.M))
HURRY = Hurry(window_s=30, lasts_s=2, day_s=10)


@dataclass(frozen=True, slots=True)
class Condition:
    """
    Attributes:
        codes: the problems that it is, at ``gate``.
        rules: what Prometheus alone finds in it.
        meanwhile: what is staged and cured while it lasts.
    """

    codes: Sequence[str]
    stage: Callable[[StagedSchool], object]
    cure: Callable[[StagedSchool], object]
    rules: Sequence[str] = ()
    gate: str = MAIN
    meanwhile: "Sequence[Condition]" = ()


def nobody_passes_main(school: StagedSchool) -> None:
    school.do_again("annex", school.annex.somebody_passes, 0.5)


def people_pass_main(school: StagedSchool) -> None:
    school.do_again("main", school.main.somebody_passes, 1.0)


def phone_takes_nothing(school: StagedSchool) -> None:
    school.phone.phone.switch(Fault.ERROR, True)
    school.main.show(TOLD_CHILD)


def backups_are_stuck(school: StagedSchool) -> None:
    school.enter("backups", school.main.busy_backups())
    school.main.damage_newest_backup()
    school.main.do("backup", "drill")


def backups_go_on(school: StagedSchool) -> None:
    school.stop_doing("backups")
    school.main.do("backup", "create")
    school.main.do("backup", "drill")


def strangers_come(school: StagedSchool) -> None:
    for number in range(40):
        school.main.show(f"STRANGER-{number}")


def disk_fills(school: StagedSchool) -> None:
    school.do_again("disk", lambda: school.fill_disk(leave_bytes=24_000_000), 1.0)


def disk_is_emptied(school: StagedSchool) -> None:
    school.stop_doing("disk")
    (school.main.data / "somebodys-films").unlink()


def restart_annex(school: StagedSchool) -> None:
    school.annex.kill()
    school.annex.run()
    school.until(school.annex.answers, within_s=60)


ROUNDS: Sequence[Sequence[Condition]] = (
    [
        Condition(["gate-silent", "gate-idle"], nobody_passes_main, people_pass_main, ["GateSilentWhileOthersAreBusy"]),
    ],
    [
        Condition(["hot"], lambda at: at.main.warm(78.5), lambda at: at.main.warm(45.0)),
        Condition(["undervoltage"], lambda at: at.main.feed(low=True), lambda at: at.main.feed(low=False)),
        Condition(
            ["sms-phone-silent"],
            lambda at: at.phone.phone.switch(Fault.SILENT, True),
            lambda at: at.phone.phone.switch(Fault.SILENT, False),
        ),
        Condition(["sms-waiting"], phone_takes_nothing, lambda at: at.phone.phone.switch(Fault.ERROR, False)),
        Condition(["backup-old", "backup-drill-failed"], backups_are_stuck, backups_go_on),
        Condition(["many-refused"], strangers_come, lambda at: None),  # ends when they stay away
        Condition(["memory-grows"], lambda at: at.main.leak(True), lambda at: at.main.leak(False), ["GateMemoryGrows"]),
        Condition(["disk-low"], disk_fills, disk_is_emptied, ["GateDiskFills"]),
    ],
    [
        Condition(["camera-silent"], lambda at: at.freeze_camera(True), lambda at: at.freeze_camera(False)),
        Condition(
            ["gate-unheard-alone", "sync-waiting", "roster-old"],
            lambda at: at.lines[MAIN].cut(),
            lambda at: at.lines[MAIN].mend(),
            meanwhile=[
                Condition(
                    ["gate-unheard", "sync-waiting", "roster-old"],
                    lambda at: at.lines[ANNEX].cut(),
                    lambda at: at.lines[ANNEX].mend(),
                    gate=ANNEX,
                )
            ],
        ),
    ],
    [
        Condition(
            ["sms-phone-battery"],
            lambda at: at.phone.phone.switch(Fault.LOW_BATTERY, True),
            lambda at: at.phone.phone.switch(Fault.LOW_BATTERY, False),
        ),
        Condition(
            ["clock-unsure"],
            lambda at: at.main.follow_time_server(False),
            lambda at: at.main.follow_time_server(True),
        ),
        Condition(
            ["vision-down", "restarts-used-up"],
            lambda at: at.do_again("eyes", at.kill_what_sees, 0.2),
            lambda at: at.stop_doing("eyes"),
        ),
        Condition(
            [],
            lambda at: at.do_again("database", at.hold_database, 0.1),
            lambda at: at.stop_doing("database"),
            ["GateSlow"],
        ),
    ],
    [
        Condition(
            [],
            lambda at: at.do_again("restarts", lambda: restart_annex(at), 2.0),
            lambda at: at.stop_doing("restarts"),
            ["GateRestartLoop"],
        ),
    ],
    [Condition([], lambda at: at.annex.kill(), lambda at: at.annex.run(), ["GateDown"])],
    [Condition([], lambda at: at.centre.kill(), lambda at: at.centre.run(), ["CentreDown"])],
)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture
def school(
    tmp_path: Path, assets_dir: Path, listener: Listener, eventually: Callable[..., None]
) -> Iterator[StagedSchool]:
    with ExitStack() as ending:
        yield StagedSchool(tmp_path, assets_dir, f"json://127.0.0.1:{listener.port}", ending, eventually)


def missing(stories: Stories, status: str, conditions: Sequence[Condition]) -> set[tuple[str, ...]]:
    """What of these people have not heard from everybody, or of anything else from one side only."""
    rules = {(rule, status) for each in conditions for rule in each.rules}
    expected = {(each.gate, code, status) for each in conditions for code in each.codes}
    both = stories.prometheus & stories.own
    return rules - stories.rules | expected - both | stories.apart(status)


def play(school: StagedSchool, stories: Stories, conditions: Sequence[Condition]) -> None:
    """Stage conditions until people have heard of them, then cure them until people have heard that."""
    for each in conditions:
        each.stage(school)
    wait_until_none(lambda: missing(stories, FIRING, conditions))
    for each in conditions:
        if each.meanwhile:
            play(school, stories, each.meanwhile)
    for each in conditions:
        each.cure(school)
    wait_until_none(lambda: missing(stories, OVER, conditions))


def wait_until_none(untold: Callable[[], object], within_s: float = 150.0) -> None:
    """Wait until nothing is missing."""
    deadline = time.monotonic() + within_s
    while found := untold():
        assert time.monotonic() < deadline, f"not everybody told {found}"
        time.sleep(0.2)


def wait_until_quiet(school: StagedSchool, listener: Listener, for_s: float = 8.0, within_s: float = 120.0) -> None:
    """Wait until nothing has been wrong, and nobody has told of anything, for longer than words are on their way."""
    began = quiet_since = time.monotonic()
    heard = 0
    while time.monotonic() - quiet_since < for_s:
        assert time.monotonic() - began < within_s, f"there is no quiet: {listener.posts[-1:]}"
        if not school.is_well() or len(listener.posts) > heard:
            quiet_since, heard = time.monotonic(), len(listener.posts)
        time.sleep(0.2)


@pytest.mark.slow
def test_prometheus_gate_and_centre_tell_the_same(tmp_path: Path, school: StagedSchool, listener: Listener) -> None:
    """Every condition and every rule is told and called off; of each gate's problems people hear the same both ways."""
    stories = Stories(listener)
    wait_until_quiet(school, listener)
    listener.posts.clear()  # of the gates' first seconds
    with monitoring(tmp_path, school.pages, listener, HURRY):
        for conditions in ROUNDS:
            play(school, stories, conditions)
        wait_until_quiet(school, listener)
    assert stories.rules == {(rule, status) for rule in SEVERITY for status in (FIRING, OVER)}
    assert stories.prometheus == stories.own
    assert {code for _, code, status in stories.own if status == OVER} >= CONDITIONS


def test_every_condition_is_staged() -> None:
    """None of the page is left out."""
    assert {code for each in every(ROUNDS) for code in each.codes} >= CONDITIONS


def every(rounds: Sequence[Sequence[Condition]]) -> Iterator[Condition]:
    """Those that are staged meanwhile, too."""
    for each in (condition for conditions in rounds for condition in conditions):
        yield each
        yield from every([each.meanwhile])
