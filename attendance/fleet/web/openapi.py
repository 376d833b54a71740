"""The description of the API, made from what serves it."""

import json
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from attendance import __version__
from attendance.domain import contact, wire
from attendance.fleet.web.calls import Address
from attendance.fleet.web.refusals import JSON

_OCTETS = "application/octet-stream"
_GATES = "gate"
_OF_ALL = (400, 503)
_OF_GATES = (401,)
_OF_BODIES = (413,)
_OF_JSON = (415,)
_ABOUT = (
    f"What gates and their centre say to each other. Every answer to a gate carries `{wire.SIGNATURE_HEADER}`:"
    f" the hexadecimal HMAC-SHA-256 of the request's `{wire.REQUEST_HEADER}`, a line feed, the status, a line feed, and"
    " the body, under HMAC-SHA-256(SHA-256(token), `answers`). An answer without a right one acknowledges nothing. JSON"
    " bodies may be packed with gzip."
)


def describe(addresses: Sequence[Address[Any]], base: str) -> str:
    """OpenAPI 3.1, as JSON."""
    schemas = _schemas(addresses)
    paths: dict[str, Any] = {}
    for address in addresses:
        paths.setdefault(address.path, {})[address.method.lower()] = _operation(address, schemas)
    paths["/openapi.json"] = {"get": _description_itself()}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Attendance centre", "version": __version__, "description": _ABOUT},
        "servers": [{"url": base}],
        "paths": paths,
        "components": {
            "schemas": schemas.definitions,
            "securitySchemes": {_GATES: {"type": "http", "scheme": "bearer"}},
        },
    }
    return json.dumps(document, ensure_ascii=False)


class _Schemas:
    """References to models: what is read and what is written differ where fields have defaults."""

    def __init__(self, read: Iterable[type[BaseModel]], written: Iterable[type[BaseModel]]) -> None:
        wanted = [*((model, "validation") for model in read), *((model, "serialization") for model in written)]
        self._references, definitions = models_json_schema(
            list(dict.fromkeys(wanted)),  # type: ignore[arg-type]
            ref_template="#/components/schemas/{model}",
        )
        self.definitions = definitions["$defs"]

    def read(self, model: type[BaseModel]) -> Any:
        return self._references[(model, "validation")]

    def written(self, model: type[BaseModel]) -> Any:
        return self._references[(model, "serialization")]


def _schemas(addresses: Sequence[Address[Any]]) -> _Schemas:
    read = [each.body for each in addresses if each.body is not None and issubclass(each.body, BaseModel)]
    return _Schemas(read, [contact.Failed, *(each.answers for each in addresses)])


def _operation(address: Address[Any], schemas: _Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": address.view.__name__,
        "summary": address.does,
        "parameters": _parameters(address),
        "responses": {
            "200": _answer("Done.", schemas.written(address.answers)),
            **{str(status): _refusal(status, schemas) for status in sorted(_refused_with(address))},
        },
    }
    if address.for_gates:
        operation["security"] = [{_GATES: []}]
    if address.body is not None:
        operation["requestBody"] = {"required": True, "content": _content(address, schemas)}
    return operation


def _refused_with(address: Address[Any]) -> set[int]:
    statuses = {*_OF_ALL, *address.refuses}
    if address.for_gates:
        statuses.update(_OF_GATES)
    if address.parts:
        statuses.add(404)
    if address.body is not None:
        statuses.update(_OF_BODIES)
    if address.body is not None and address.body is not bytes:
        statuses.update(_OF_JSON)
    return statuses


def _content(address: Address[Any], schemas: _Schemas) -> dict[str, Any]:
    if address.body is bytes:
        return {_OCTETS: {"schema": {"type": "string", "format": "binary"}}}
    assert address.body is not None
    return {JSON: {"schema": schemas.read(address.body)}}


def _parameters(address: Address[Any]) -> list[dict[str, Any]]:
    found = [_parameter(name, "path", True, part.json_schema()) for name, part in address.parts.items()]
    query = address.query.model_json_schema()
    for name, schema in query.get("properties", {}).items():
        found.append(_parameter(name, "query", name in query.get("required", ()), schema))
    name_of_request = {"type": "string", "pattern": "^[A-Za-z0-9]{1,64}$"}
    found.append(_parameter(wire.REQUEST_HEADER, "header", address.for_gates, name_of_request))
    return found


def _parameter(name: str, place: str, required: bool, schema: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": schema}


def _answer(text: str, schema: Any) -> dict[str, Any]:
    signature = {"schema": {"type": "string"}, "description": "Shows that the answer is the centre's."}
    return {
        "description": text,
        "headers": {wire.SIGNATURE_HEADER: signature},
        "content": {JSON: {"schema": schema}},
    }


def _refusal(status: int, schemas: _Schemas) -> dict[str, Any]:
    return _answer(f"{HTTPStatus(status).phrase}.", schemas.written(contact.Failed))


def _description_itself() -> dict[str, Any]:
    return {
        "operationId": "openapi",
        "summary": "This description.",
        "responses": {"200": {"description": "Done.", "content": {JSON: {"schema": {"type": "object"}}}}},
    }
