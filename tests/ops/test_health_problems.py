"""docs/operations/health.md lists every problem that the program can find.

``python tests/ops/test_health_problems.py`` writes its table anew.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/operations/health.md"
HEAD = "| code | severity | what it says | what to do |"


def problems() -> Iterator[tuple[str, str, str, str]]:
    """Every ``Problem(code, severity, text, remedy)`` in the source."""
    for path in sorted((ROOT / "attendance").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem":
                words = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
                if words:  # else it is what a gate told the centre
                    code, severity, text, remedy = words
                    yield code, severity, text, remedy


def row(problem: tuple[str, str, str, str]) -> str:
    code, severity, text, remedy = problem
    return f"| `{code}` | {severity} | {text} | {remedy} |"


def rows() -> list[str]:
    """The rows of the page's table, in its order."""
    table = PAGE.read_text().split(HEAD)[1].split("\n\n")[0]
    return table.strip().splitlines()[1:]


def test_the_page_lists_every_problem_as_it_is() -> None:
    """Code, severity, text and remedy stand there as they are told; what is missing or too much is shown here."""
    assert set(rows()) == {row(problem) for problem in problems()}


def test_the_page_is_in_order() -> None:
    """By code, so that a code of a screen or a log is found."""
    assert rows() == sorted(rows())


def test_every_code_means_one_thing() -> None:
    """No two problems share a code: monitors tell them apart by it."""
    assert [code for code, count in Counter(problem[0] for problem in problems()).items() if count > 1] == []


def test_every_problem_says_what_to_do() -> None:
    """Codes are words with hyphens; texts and remedies are sentences."""
    for code, severity, text, remedy in problems():
        assert code == code.lower().replace("_", "-").replace(" ", "-")
        assert severity in ("notice", "warning", "error")
        assert text.rstrip("}").endswith((".", "error", "detail", "why", "missing"))
        assert remedy.endswith(".")


def write() -> None:
    """Put the problems as they are into the page's table."""
    before = PAGE.read_text().split(HEAD)[0]
    table = "\n".join([HEAD, "| --- | --- | --- | --- |", *sorted({row(problem) for problem in problems()})])
    PAGE.write_text(f"{before}{table}\n")


if __name__ == "__main__":
    write()
