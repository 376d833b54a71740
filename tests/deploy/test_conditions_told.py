"""What goes wrong at a real gate is told by Prometheus and Alertmanager, and by gate and centre: the same story.

Two gates and a centre run as the programs that they are, for which hours are seconds (``hurried_program.py``). Each
condition of docs/operations/alerts.md is made where it arises in the field, and ended there; nobody hands in a problem.
Nearest boundaries instead of hardware: the files in which firmware and system tell of heat, power and time; a film as
the camera, whose process is stopped; a simulated phone; a reader's page as the card reader; a leak in the real process.
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

from attendance.sim.phone_faults import Fault

DOCS = Path(__file__).parents[2] / "docs/operations"
CONDITIONS = set(
    re.findall(r"^\| [^|]+ \| `([\w-]+)` \|$", (DOCS / "alerts.md").read_text().split("## Which condition")[1], re.M)
)
TEXTS = dict(re.findall(r"^\| `([\w-]+)` \| (?:error|warning) \| (.+?) \|", (DOCS / "health.md").read_text(), re.M))
STORY = ("GateProblem", "GateWarning", "CentreGateProblem", "CentreGateWarning")
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


FIRING, OVER = "firing", "resolved"
Told = tuple[str, str, str]
"""A gate, the code of its problem, and a status."""


class Stories:
    """What people have heard."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    @property
    def rules(self) -> set[tuple[str, str]]:
        """The alerts of Prometheus, with their status."""
        return {(labels["alertname"], status) for _, labels, status in self._listener.alerts()}

    @property
    def prometheus(self) -> set[Told]:
        """The problems that Alertmanager spoke of."""
        return {
            (labels["gate"], labels["code"], status)
            for _, labels, status in self._listener.alerts()
            if labels["alertname"] in STORY
        }

    @property
    def own(self) -> set[Told]:
        """The problems whose texts gates and centre wrote to people."""
        lines = [
            (teller, line)
            for teller, said in list(self._listener.posts)
            for line in said.get("message", "").splitlines()
        ]
        return {of_line(*each) for each in lines if each[1].startswith(("ERROR: ", "WARNING: ", "Over: "))}

    @property
    def open(self) -> set[Told]:
        """What somebody told and has never called off."""
        return {
            (gate, code, status)
            for each in (self.prometheus, self.own)
            for gate, code, status in each
            if status == FIRING and (gate, code, OVER) not in each
        }

    def missing(self, status: str, conditions: Sequence[Condition]) -> set[tuple[str, ...]]:
        """What of these people have not heard from everybody, or of anything else from one side only."""
        rules = {(rule, status) for each in conditions for rule in each.rules}
        expected = {(each.gate, code, status) for each in conditions for code in each.codes}
        prometheus, own = self.prometheus, self.own
        apart = {told for told in prometheus ^ own if told[2] == status}
        return rules - self.rules | expected - (prometheus & own) | apart


def of_line(teller: str, line: str) -> Told:
    """What ``ERROR: Main: text`` is about: of the texts that fit, the one with the most words of its own."""
    status, text = line.split(": ", 1)
    gate = next((name for name in (MAIN, ANNEX) if text.startswith(f"{name}: ")), "")
    text = text.removeprefix(f"{gate}: ")
    fits = [code for code, pattern in _PATTERNS.items() if re.fullmatch(pattern, text)]
    assert fits, f"docs/operations/health.md has no such problem: {line}"
    code = max(fits, key=lambda code: len(re.sub(r"\{.*?\}", "", TEXTS[code])))
    return gate or teller, code, OVER if status == "Over" else FIRING


_PATTERNS = {
    code: "".join(".*" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{.*?\})", text))
    for code, text in TEXTS.items()
}


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


def play(school: StagedSchool, stories: Stories, conditions: Sequence[Condition]) -> None:
    """Stage conditions until people have heard of them, then cure them until people have heard that."""
    for each in conditions:
        each.stage(school)
    wait_until_none(lambda: stories.missing(FIRING, conditions))
    for each in conditions:
        if each.meanwhile:
            play(school, stories, each.meanwhile)
    for each in conditions:
        each.cure(school)
    wait_until_none(lambda: stories.missing(OVER, conditions))


def wait_until_none(missing: Callable[[], object], within_s: float = 150.0) -> None:
    """Wait until nothing is missing."""
    deadline = time.monotonic() + within_s
    while found := missing():
        assert time.monotonic() < deadline, f"not everybody told {found}"
        time.sleep(0.2)


@pytest.mark.slow
def test_prometheus_gate_and_centre_tell_the_same(
    tmp_path: Path, school: StagedSchool, listener: Listener, eventually: Callable[..., None]
) -> None:
    """Every condition and every rule is told and called off; of each gate's problems people hear the same both ways."""
    stories = Stories(listener)
    eventually(lambda: school.is_well() and not stories.open, within_s=60)
    listener.posts.clear()  # of the gates' first seconds
    with monitoring(tmp_path, school.pages, listener, HURRY):
        for conditions in ROUNDS:
            play(school, stories, conditions)
        eventually(school.is_well, within_s=60)
        wait_until_none(lambda: stories.open)
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
