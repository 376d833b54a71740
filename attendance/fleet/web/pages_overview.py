"""The page of all gates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request, url_for

from attendance.access.identity import Account
from attendance.access.web.guard import account
from attendance.fleet.listing import ALL, PROBLEMS, Listing, Question, listing
from attendance.fleet.permits import Deed, may_anywhere
from attendance.fleet.sight import STATES, GateInSight
from attendance.fleet.web import live
from attendance.fleet.web.desk import Desk

_WORDS = {"error": "with errors", "silent": "silent", "warning": "with warnings", "ok": "in order"}
_LONGEST_WORDS = 100
_MOST_SCHOOLS = 100
"""Beyond that nobody finds one in a list; the search does."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the template shows; addresses are ready to be linked."""

    show: str
    school: str
    q: str
    schools: Sequence[tuple[str, str]]
    tally: Sequence[dict[str, Any]]
    groups: Sequence[Any]
    total: int
    before: str
    after: str
    all_href: str
    hidden_ok: int
    may_invite: bool


def add(pages: Blueprint, desk: Desk) -> None:
    @pages.get("/")
    def overview() -> Response:
        who = account()
        seen = [each for each in desk.sight.gates() if who.belongs_to(each.gate.school_id)]
        return live.answer(
            "fleet/overview.html", "fleet/overview_live.html", desk.centre.clock.now().at, page=_page(who, seen)
        )


def _page(who: Account, seen: Sequence[GateInSight]) -> Page:
    schools = {each.gate.school_id: each.gate.school for each in seen}
    school = request.args.get("school", "")
    question = Question(
        show=request.args.get("show", ""),
        school_id=school if school in schools else "",
        words=request.args.get("q", "")[:_LONGEST_WORDS],
        page=request.args.get("page", 1, type=int),
    )
    found = listing(seen, question)
    hides_ok = found.show == PROBLEMS and bool(found.fitting)
    return Page(
        show=found.show,
        school=question.school_id,
        q=question.words,
        schools=sorted(schools.items(), key=lambda item: item[1]) if len(schools) <= _MOST_SCHOOLS else (),
        tally=_tally(found, question),
        groups=found.groups,
        total=len(seen),
        before=_address(question, found.show, found.page - 1) if found.page > 1 else "",
        after=_address(question, found.show, found.page + 1) if found.page < found.pages else "",
        all_href=_address(question, ALL),
        hidden_ok=found.counts["ok"] if hides_ok else 0,
        may_invite=may_anywhere(who, Deed.ENROL),
    )


def _tally(found: Listing, question: Question) -> list[dict[str, Any]]:
    """The numbers by state, each a link that shows those alone."""
    needing = found.total - found.counts["ok"]
    entries = [(PROBLEMS, "", needing, "need somebody" if needing != 1 else "needs somebody")]
    entries += [(state, state, found.counts[state], _WORDS[state]) for state in STATES]
    entries.append((ALL, "", found.total, "in all"))
    return [
        {
            "show": show,
            "state": state,
            "count": count,
            "text": text,
            "href": _address(question, show),
            "here": found.show == show,
        }
        for show, state, count, text in entries
    ]


def _address(question: Question, show: str, page: int = 1) -> str:
    given = {"show": show, "school": question.school_id, "q": question.words, "page": str(page) if page > 1 else ""}
    query = urlencode({name: value for name, value in given.items() if value})
    return f"{url_for('fleet.overview')}?{query}"
