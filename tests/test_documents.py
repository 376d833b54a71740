"""What README and docs tell people to do works, and what they name exists."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SYSTEM = {"openssl", "sudo", "source", "chromium", "rpicam-hello", "curl", "cat", "ls", "df", "tail", "journalctl"}
"""Commands of the machine. tests/test_documented_interface.py runs those that need nothing but a gate."""
NEEDS_MORE = {("run",), ("doctor",), ("status",), ("sms", "test")}
"""Verbs that look at a camera, ports, a running gate or a phone."""
PATH = re.compile(r"[\w.-]+(/[\w.-]+)*/?")
SUFFIXES = {".py", ".md", ".txt", ".toml", ".sh"}
ELSEWHERE = ("data/", ".venv")
"""What begins so is made on the machine, not part of the repository."""


def fenced_commands(page: Path) -> list[str]:
    """The lines of a page's bash blocks, continued lines joined."""
    blocks = re.findall(r"^ *```bash\n(.*?)^ *```", page.read_text(), re.M | re.S)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip()]


def code(page: Path) -> list[str]:
    """What stands in single backticks."""
    prose = re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.M | re.S)
    return [" ".join(each.split()) for each in re.findall(r"`([^`]+)`", prose)]


def commands() -> list[str]:
    """Every command that a page gives, in a block or in a sentence."""
    found = dict.fromkeys(line for page in PAGES for line in fenced_commands(page))
    inline = (each for page in PAGES for each in code(page))
    found |= dict.fromkeys(each for each in inline if re.match(r"(attendance|bash|python|\.venv/bin/\w+) ", each))
    return list(found)


@cache
def help_of(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "attendance", *words, "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def verb_of(words: list[str]) -> list[str]:
    """The verb, with its own verbs if it has some, of the words after ``attendance``."""
    if not words or words[0].startswith("-"):
        return ["run"]
    verb = words[:1]
    while len(verb) < len(words) and re.search(" (VERB|WHAT) [.]{3}", help_of(*verb)):
        verb = words[: len(verb) + 1]
    return verb


def exists(path: str, page: Path) -> bool:
    return any((folder / path).exists() for folder in (ROOT, ROOT / "attendance", page.parent))


@pytest.mark.parametrize("command", commands())
def test_a_command_exists(command: str) -> None:
    """Its verb and options, its script, module or tool are there."""
    words = shlex.split(command.split(" > ")[0])
    match words:
        case ["attendance", *rest]:
            options = {word.split("=")[0] for word in rest if word.startswith("--")}
            assert options <= set(re.findall(r"--[\w-]+", help_of(*verb_of(rest))))
        case ["bash", script, *_]:
            subprocess.run(["bash", "-n", str(ROOT / script)], check=True)
        case ["python", "-m", module, *_]:
            assert importlib.util.find_spec(module)
        case ["python", file, *_]:
            assert (ROOT / file).is_file()
        case [tool, *_] if tool.startswith(".venv/bin/"):
            name = tool.rpartition("/")[2]
            assert name == "pip" or f"{name}==" in (ROOT / "requirements-dev.txt").read_text()
        case [program, *_]:
            assert program in SYSTEM


def test_the_first_steps_work_in_their_order(tmp_path: Path) -> None:
    """A newcomer who types README's commands one after the other meets no error."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    steps = [shlex.split(line)[1:] for line in fenced_commands(ROOT / "README.md") if line.startswith("attendance ")]
    tried = [words for words in steps if not NEEDS_MORE & {tuple(words[:1]), tuple(words[:2])}]
    assert len(tried) >= 10
    for words in tried:
        place = [] if words[0] == "demo-school" else ["--data-dir", str(tmp_path / "data")]
        done = subprocess.run(
            [sys.executable, "-m", "attendance", *words, *place],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    assert (tmp_path / "cards.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "data/cards.key").is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_exists(page: Path) -> None:
    """Paths in backticks and the targets of links are in the repository."""
    named = [each for each in code(page) if PATH.fullmatch(each) and ("/" in each or Path(each).suffix in SUFFIXES)]
    named += [each for each in re.findall(r"\]\(([^)]+)\)", page.read_text()) if "://" not in each]
    missing = [each for each in named if not each.startswith(ELSEWHERE) and not exists(each, page)]
    assert missing == []


def test_every_dependency_has_its_reason() -> None:
    """docs/decisions/0002-dependencies.md has a row for each line of what gate and centre run on, and no other."""
    files = ("requirements.txt", "requirements-fleet.txt")
    pinned = [name for file in files for name in re.findall(r"^([\w-]+)[=>[]", (ROOT / file).read_text(), re.M)]
    rows = re.findall(r"^\| `([\w-]+)` \|", (ROOT / "docs/decisions/0002-dependencies.md").read_text(), re.M)
    assert sorted(rows) == sorted(pinned)
