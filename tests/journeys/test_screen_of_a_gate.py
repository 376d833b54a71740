"""A browser at a running gate: what a student sees is what the ledger has."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gate_process import GateProcess
from playwright.sync_api import Browser


@pytest.fixture
def gate(tmp_path: Path, assets_dir: Path) -> Iterator[GateProcess]:
    gate = GateProcess(tmp_path, assets_dir).start("--demo")
    yield gate
    gate.kill()


def test_the_screen_shows_the_student_of_the_newest_row(gate: GateProcess, browser: Browser) -> None:
    """From the simulated card through both processes to the page in Chromium."""
    page = browser.new_page(viewport={"width": 800, "height": 480})
    page.goto(f"http://localhost:{gate.port}/")
    page.get_by_text("Welcome. Your arrival is recorded.").wait_for(timeout=30_000)
    text = page.inner_text("body")
    page.close()
    assert any(row["name"] in text for row in gate.register())


def test_a_card_typed_by_a_reader_is_recorded_like_one_that_was_seen(
    gate: GateProcess, eventually: Callable[..., None]
) -> None:
    """A USB reader at the page leads to a row of its own, with a photo or the reason why there is none."""
    student = json.loads(gate.command("students", "list", "--json").stdout)[-1]["student_id"]
    request = urllib.request.Request(
        f"http://127.0.0.1:{gate.port}/scan",
        json.dumps({"payload": student}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.status == 202

    def told() -> bool:
        return any(row["student_id"] == student and row["photo_reason"] != "pending" for row in gate.register())

    eventually(told, within_s=20)
