"""The API is what its description says: schemathesis asks everything in it, within its rules and beyond them."""

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi import checks
from served_centre import Caller, ServedCentre

from attendance.domain import contact, wire
from attendance.fleet.web.api import ADDRESSES, BASE
from attendance.fleet.web.openapi import describe

DESCRIPTION = json.loads(describe(ADDRESSES, BASE))
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.allow_header_conformance,
    checks.unsupported_method,
]


ON_SQLITE = pytest.mark.parametrize("centre", ["sqlite"], indirect=True)
"""What is asked here ends before the database, or is tried on both elsewhere."""


@pytest.fixture(scope="module")
def caller(centre: ServedCentre) -> Caller:
    return centre.gate(centre.school())


@ON_SQLITE
@SCHEMA.parametrize()
@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
def test_every_answer_is_as_described(centre: ServedCentre, caller: Caller, case: schemathesis.Case) -> None:
    """No fault of the centre, no status, type, header or body that the description does not have."""
    headers = {"Authorization": f"Bearer {caller.token}", "X-Forwarded-For": "203.0.113.80"}
    case.call_and_validate(base_url=centre.url + BASE, headers=headers, checks=CHECKS)


@ON_SQLITE
def test_the_description_is_served_as_it_is(centre: ServedCentre) -> None:
    """To anybody."""
    assert Caller(centre.url).ask("GET", "/openapi.json").json == DESCRIPTION


def test_the_description_has_every_address() -> None:
    """With its method, its refusals and, for gates, its key."""
    for address in ADDRESSES:
        operation = DESCRIPTION["paths"][address.path][address.method.lower()]
        assert ("security" in operation) == address.for_gates
        assert {"200", "400", "503"} <= operation["responses"].keys()
    assert {"Enrol", "Sync", "Heartbeat"} <= {name.split("-")[0] for name in DESCRIPTION["components"]["schemas"]}


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(each) for each in value.values()))
    if isinstance(value, list):
        return set().union(*(references(each) for each in value))
    return set()


def test_every_reference_leads_somewhere() -> None:
    """A reader of the description finds each model."""
    known = {f"#/components/schemas/{name}" for name in DESCRIPTION["components"]["schemas"]}
    assert references(DESCRIPTION) <= known


def test_items_are_described_one_by_one() -> None:
    """Although each is judged alone, the description has what a right one looks like."""
    schema = contact.Sync.model_json_schema()
    assert set(schema["properties"]["items"]["items"]["discriminator"]["mapping"]) == set(wire.TYPES)
