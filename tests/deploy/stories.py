"""What people have heard of problems, from Alertmanager and from gates and centre themselves."""

import re
from pathlib import Path

from monitoring import Listener
from staged_school import ANNEX, MAIN

_PAGE = (Path(__file__).parents[2] / "docs/operations/health.md").read_text()
TEXTS = dict(re.findall(r"^\| `([\w-]+)` \| (?:error|warning) \| (.+?) \|", _PAGE, re.M))
STORY = ("GateProblem", "GateWarning", "CentreGateProblem", "CentreGateWarning")
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

    def apart(self, status: str) -> set[Told]:
        """What only one side has told."""
        return {told for told in self.prometheus ^ self.own if told[2] == status}


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
