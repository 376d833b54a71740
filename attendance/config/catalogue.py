"""What is known of every key: read from the settings' own JSON schema, so that it is said only once.

Paths are dotted and as in a file. The keys of a class session are listed once, under ``school_schedule.*_class``.
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from attendance.config.place import CLASS_SUFFIX, CLASSES_ALIAS
from attendance.config.settings import Settings

Tree = dict[str, Any]
"""Settings in the form of a file: nested objects."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key, or one section.

    Attributes:
        section: it holds further keys.
        allowed: what its value may be, in words.
        item: the same for one element, if the value is a list.
        what: what it does.
        why: the reason for its default.
        secret: the value is never shown.
    """

    path: str
    section: bool
    allowed: str
    item: str
    what: str
    why: str
    secret: bool


@functools.cache
def keys() -> Mapping[str, Key]:
    """Every key and section by path, in the order of the settings."""
    schema = Settings.model_json_schema()
    return {key.path: key for key in _walk(schema, schema["$defs"], "")}


def known(path: str) -> Key | None:
    """What is known of a path of a file, any class session's included."""
    return keys().get(general(path))


def general(path: str) -> str:
    """The path under which the catalogue lists a key."""
    section, _, rest = path.partition(".")
    name, dot, key = rest.partition(".")
    if section == "school_schedule" and name.endswith(CLASS_SUFFIX):
        return f"{section}.{CLASSES_ALIAS}{dot}{key}"
    return path


def flat(tree: Mapping[str, Any], parent: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a tree with its path; a list is one value."""
    for name, value in tree.items():
        path = f"{parent}.{name}" if parent else name
        if isinstance(value, dict):
            yield from flat(value, path)
        else:
            yield path, value


def _walk(schema: Tree, definitions: Tree, parent: str) -> Iterator[Key]:
    children = {name: child for name, child in schema["properties"].items() if not name.endswith(CLASS_SUFFIX)}
    if classes := schema.get("patternProperties"):
        children[CLASSES_ALIAS] = next(iter(classes.values()))
    for name, described in children.items():
        path = f"{parent}.{name}" if parent else name
        child = _resolve(described, definitions)
        section = "properties" in child
        yield Key(
            path=path,
            section=section,
            allowed="an object, or null for no such class" if name == CLASSES_ALIAS else _allowed(child, definitions),
            item=_item(child, definitions),
            what=described.get("description") or child.get("description", ""),
            why=described.get("why", ""),
            secret=bool(child.get("secret")),
        )
        if section:
            yield from _walk(child, definitions, path)


def _resolve(schema: Tree, definitions: Tree) -> Tree:
    options = [option for option in schema.get("anyOf", []) if option.get("type") != "null"]
    if options:
        return _resolve(options[0], definitions) | {"nullable": True}
    if "$ref" in schema:
        return dict(definitions[schema["$ref"].removeprefix("#/$defs/")])
    return schema


def _allowed(schema: Tree, definitions: Tree) -> str:
    words = _words(schema, definitions)
    return f"{words}, or null" if schema.get("nullable") else words


def _words(schema: Tree, definitions: Tree) -> str:
    if "allowed" in schema:
        return str(schema["allowed"])
    if "enum" in schema:
        return " or ".join((", ".join(schema["enum"][:-1]), schema["enum"][-1]))
    match schema["type"]:
        case "boolean":
            return "true or false"
        case "integer" | "number":
            return ("a whole number" if schema["type"] == "integer" else "a number") + _range(schema)
        case "array":
            return _length(schema) + _item(schema, definitions)
        case "object":
            return "an object"
    return "text" + (", not empty" if schema.get("minLength") else "") + _at_most(schema)


def _item(schema: Tree, definitions: Tree) -> str:
    """In words, what one element of a list may be; empty if it is no list."""
    items = schema.get("items") or next(iter(schema.get("prefixItems", [])), None)
    return _allowed(_resolve(items, definitions), definitions) if items else ""


def _length(schema: Tree) -> str:
    if "prefixItems" in schema:
        return f"a list of {len(schema['prefixItems'])}, each "
    return "a list, not empty, each " if schema.get("minItems") else "a list, each "


def _range(schema: Tree) -> str:
    if "maximum" in schema:
        return f", {schema['minimum']} to {schema['maximum']}"
    return f", at least {schema['minimum']}"


def _at_most(schema: Tree) -> str:
    return f", at most {schema['maxLength']} characters" if "maxLength" in schema else ""
