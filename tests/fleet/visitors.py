"""People at the pages of a centre: log in, look, send forms with the token of their session."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from centre_with_gates import CHEAP, PASSWORD, Seeded, clock, seed
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from attendance.access.passwords import Passwords
from attendance.clock import ManualClock
from attendance.fleet.app import CentreProcess
from attendance.fleet.plan import CentrePlan

ROLES = ("nobody", "north-viewer", "north-office", "north-admin", "roque-admin", "olga-operator")


@dataclass
class Visitor:
    """A browser. Forms carry the token of the session unless told otherwise."""

    client: FlaskClient
    token: str = ""

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more)

    def text(self, path: str, **more: Any) -> str:
        answer = self.client.get(path, **more)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.get_data(as_text=True)

    def post(self, path: str, **form: str) -> TestResponse:
        return self.client.post(path, data={"form_token": self.token, **form})


class PagesDesk:
    """A centre with gates, and whoever comes to it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.made: Seeded = seed(url)
        self.clock: ManualClock = clock()
        self.process = CentreProcess(CentrePlan(url, folder), self.clock, passwords=Passwords(CHEAP))
        self._visitors: dict[str, Visitor] = {}

    @property
    def north(self) -> str:
        return self.made.schools["Northfield"]

    @property
    def roque(self) -> str:
        return self.made.schools["San"]

    def visitor(self, login: str) -> Visitor:
        """Logged in once for all tests that share the desk; ``nobody`` is not."""
        if login not in self._visitors:
            self._visitors[login] = self.fresh(login)
        return self._visitors[login]

    def fresh(self, login: str) -> Visitor:
        visitor = Visitor(self.process.app.test_client())
        if login != "nobody":
            form = {"login": login, "password": PASSWORD, "form_token": hidden(visitor.text("/login"))}
            assert visitor.client.post("/login", data=form).status_code == 303
            visitor.token = hidden(visitor.text("/password"))
        return visitor

    def close(self) -> None:
        self.process.stop()


def hidden(page: str, name: str = "form_token") -> str:
    """The value of a hidden field."""
    found = re.search(f'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name} in the page"
    return found[1]
