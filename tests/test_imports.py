"""Who may import whom, and what stays behind a fence. The rule is the table of docs/architecture.md itself."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "attendance"
SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE FROM|PRAGMA|BEGIN IMMEDIATE|CREATE (TABLE|INDEX)|ALTER TABLE)\s")
WALL_CLOCK = {
    *("time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.strftime"),
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
}
CENTRE_ONLY = {"sqlalchemy", "alembic", "psycopg", "gunicorn", "argon2"}
THREADS = {"threading.Thread", "threading.Timer", "ThreadPoolExecutor", "futures.ThreadPoolExecutor"}


@dataclass(frozen=True)
class Import:
    """``at_load``: it happens when the module is loaded, not in a function or for type checkers only."""

    name: str
    at_load: bool


def module_name(path: Path) -> str:
    """As ``kiosk.web.screen``; the package itself is empty."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text())


def imports(tree: ast.AST, at_load: bool = True) -> Iterator[Import]:
    """Every import; ``from a import b`` is both a name and, if there is such a module, ``a.b``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, at_load) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield Import(inner if inner.removeprefix("attendance.") in MODULES else str(node.module), at_load)
        else:
            function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            types_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
            yield from imports(node, at_load and not function and not types_only)


def ours(found: Iterator[Import]) -> Iterator[Import]:
    """Those of this package, without its name in front; the package itself, asked for its version, left out."""
    for each in found:
        if each.name.startswith("attendance."):
            yield Import(each.name.removeprefix("attendance."), each.at_load)


UNMADE = "when made with no argument"
"""What the table says of imports that only a constructor does."""


def table(at_load: bool = False) -> dict[str, set[str]]:
    """Room or module to what it may import besides itself, as docs/architecture.md says.

    Args:
        at_load: only what it may import when it is loaded.
    """
    text = (ROOT / "docs/architecture.md").read_text()
    section = text.split("## Who may import whom")[1].split("\n\n")[2]
    rule: dict[str, set[str]] = {}
    for line in section.splitlines()[2:]:
        rooms, may = (cell.strip() for cell in line.strip("|").split("|"))
        general, *specials = may.split(";")
        allowed = {""} if may == "everything" else set(re.findall(r"`([^`]+)`", general))
        rule |= dict.fromkeys(re.findall(r"`([^`]+)`", rooms), allowed)
        for special in specials:
            modules, more = (re.findall(r"`([^`]+)`", part) for part in special.split(" also "))
            granted = set() if at_load and UNMADE in special else set(more)
            rule |= {name.removesuffix(".py").replace("/", "."): allowed | granted for name in modules}
    return rule


def allowed(importer: str, imported: str, rule: dict[str, set[str]]) -> bool:
    room = importer.split(".")[0]
    if imported.split(".")[0] == room:
        return True
    may = rule.get(importer, rule.get(room, set()))
    return any(each == "" or imported == each or imported.startswith(each + ".") for each in may)


def named(tree: ast.AST) -> Iterator[str]:
    """Every dotted use of a name, as ``time.time``, and every name that is imported out of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            yield f"{owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, 'id', '')}.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Name):
            yield node.id


def texts(tree: ast.AST) -> Iterator[str]:
    return (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))


def fenced(module: str, tree: ast.AST) -> list[str]:
    """What a module does that belongs to others."""
    room = module.split(".")[0]
    packages = {each.name.split(".")[0] for each in imports(tree)}
    found = []
    pictures = packages & {"cv2", "numpy", "zxingcpp"}
    if room not in ("vision", "sim") and not (module == "cli.doctor" and pictures == {"cv2"}):
        found += sorted(pictures)
    if ".web." not in f"{module}.":
        found += sorted(packages & {"flask", "werkzeug"})
    if room not in ("fleet", "access"):
        centre = {each for each in imports(tree) if each.name.split(".")[0] in CENTRE_ONLY}
        found += sorted(each.name for each in centre if each.at_load or not module.startswith("cli.fleet"))
    if not module.startswith(("kiosk.store", "fleet.store")) and module not in ("ops.sqlite", "ops.backup"):
        found += [text for text in texts(tree) if SQL.match(text)]
        found += [name for name in named(tree) if name == "sqlite3.connect"]
    if module != "clock":
        found += sorted(WALL_CLOCK.intersection(named(tree)))
    if module != "ops.service":
        found += sorted(THREADS.intersection(named(tree)))
    if module != "ops.exposition":
        found += sorted(packages & {"prometheus_client"})
    return [each for each in found if (module, each) != ("ops.logs", "time.gmtime")]


def test_the_table_names_every_room() -> None:
    """A new room needs a row, else nobody decided what it may know."""
    rooms = {name.split(".")[0] for name in MODULES} - {"", "__main__"}
    assert rooms == {name for name in table() if "." not in name}


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"", "__main__"}))
def test_a_module_imports_only_what_its_room_may(module: str) -> None:
    """The table of docs/architecture.md holds, for imports inside functions too."""
    rules = {at_load: table(at_load) for at_load in (True, False)}
    found = ours(imports(tree_of(module)))
    assert {each.name for each in found if not allowed(module, each.name, rules[each.at_load])} == set()


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("domain.scan", "clock"),
        ("ops.health", "domain.scan"),
        ("kiosk.station", "vision.worker"),
        ("kiosk.station", "config.settings"),
        ("kiosk.album", "vision.messages_of_somebody"),
        ("vision.face", "sim.faces"),
        ("vision.worker", "kiosk.station"),
        ("reports.daily", "kiosk.store.register"),
        ("sim.school", "kiosk.enrol"),
        ("kiosk.app", "cli.run"),
        ("clock", "errors"),
        ("ops.backup", "config"),
    ],
)
def test_the_rule_refuses(importer: str, imported: str) -> None:
    """The table is read as it is meant."""
    assert not allowed(importer, imported, table())


def test_only_a_constructor_may_ask_for_the_configuration() -> None:
    """A documented class's module can be loaded without any configuration."""
    assert allowed("ops.watchdog", "config", table())
    assert not allowed("ops.watchdog", "config", table(at_load=True))


def test_no_module_imports_itself_around_a_corner() -> None:
    """A cycle means that two files are one, and that their order of loading decides whether the program starts."""
    graph = {
        name: {each.name for each in ours(imports(tree_of(name))) if each.at_load and each.name != name}
        for name in MODULES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize("module", sorted(MODULES))
def test_the_fences_hold(module: str) -> None:
    """Pictures, pages, SQL, the wall clock and threads stay where docs/architecture.md says."""
    assert fenced(module, tree_of(module)) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("kiosk.station", "import numpy as np"),
        ("kiosk.station", "def f():\n    from cv2 import imread"),
        ("ops.health", "from flask import Flask"),
        ("kiosk.album", "conn.execute('SELECT 1 FROM students')"),
        ("cli.status", "import sqlite3\nsqlite3.connect('x')"),
        ("kiosk.station", "import time\ntime.time()"),
        ("kiosk.station", "from time import time"),
        ("domain.scan", "import datetime\ndatetime.datetime.now()"),
        ("ops.health", "from datetime import date\ndate.today()"),
        ("ops.worker", "import threading\nthreading.Thread(target=f)"),
        ("ops.metrics", "from prometheus_client import Counter"),
        ("kiosk.sync.courier", "def f():\n    import sqlalchemy"),
        ("cli.fleet", "from argon2 import PasswordHasher"),
        ("fleet.ingest", "from sqlalchemy import text\ntext('SELECT 1 FROM events')"),
        ("kiosk.web.screen", "from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor()"),
    ],
)
def test_the_fences_stop(module: str, source: str) -> None:
    """Each fence sees what it is for."""
    assert fenced(module, ast.parse(source)) != []
