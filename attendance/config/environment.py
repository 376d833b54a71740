"""What the environment says: overrides of keys, and the values of ``${NAME}`` placeholders in a file.

An empty variable counts as not set. Lists and objects are written as JSON, everything else as plain text.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from attendance.config.catalogue import Tree
from attendance.config.faults import Fault, show
from attendance.config.values import switch

PREFIX = "ATTENDANCE__"
DOCUMENTED: Mapping[str, str] = {
    "DEVICE_ID": "device.device_id",
    "SMS_ENABLED": "sms_notifications.enabled",
    "SMS_USERNAME": "sms_notifications.username",
    "SMS_PASSWORD": "sms_notifications.password",
    "SMS_DEVICE_ID": "sms_notifications.device_id",
    "SMS_API_URL": "sms_notifications.api_url",
    "CAMERA_INDEX": "camera.index",
    "CAMERA_RESOLUTION_WIDTH": "camera.resolution.width",
    "CAMERA_RESOLUTION_HEIGHT": "camera.resolution.height",
    "LOG_LEVEL": "logging.level",
}
"""The variables of the earlier system and the keys they override."""
_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def overrides(environ: Mapping[str, str]) -> dict[str, str]:
    """The variable that overrides a key, by the key's path. The general ``ATTENDANCE__SECTION__KEY`` wins."""
    found = {path: name for name, path in DOCUMENTED.items() if environ.get(name)}
    for name in sorted(environ):
        if name.startswith(PREFIX) and environ[name]:
            found[name.removeprefix(PREFIX).lower().replace("__", ".")] = name
    return found


def apply(tree: Tree, found: Mapping[str, str], environ: Mapping[str, str], faults: list[Fault]) -> Tree:
    """The tree with the overrides set. An override inside something that is no object is a fault."""
    result: Tree = _copy(tree)
    for path, name in found.items():
        *parents, key = path.split(".")
        section = result
        for parent in parents:
            section = section.setdefault(parent, {}) if isinstance(section, dict) else section
        if isinstance(section, dict):
            section[key] = _value(environ[name])
        else:
            faults.append(
                Fault(f"{path} (from {name})", show(path, environ[name]), "nothing: its section is no object")
            )
    return result


def fill(tree: Tree, defaults: Tree, environ: Mapping[str, str], faults: list[Fault]) -> Tree:
    """The tree with every placeholder replaced. In a feature that is off, an unset one is the empty text.

    Args:
        defaults: the settings that hold where the tree says nothing; they decide whether a feature is off.
    """
    return {name: _fill(value, defaults.get(name), name, False, environ, faults) for name, value in tree.items()}


def _fill(value: Any, default: Any, path: str, off: bool, environ: Mapping[str, str], faults: list[Fault]) -> Any:
    if isinstance(value, dict):
        defaults = default if isinstance(default, dict) else {}
        off = off or _is_off({**defaults, **value}.get("enabled", True), environ)
        return {
            name: _fill(inner, defaults.get(name), f"{path}.{name}", off, environ, faults)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_fill(inner, None, f"{path}[{at}]", off, environ, faults) for at, inner in enumerate(value)]
    if not isinstance(value, str):
        return value
    missing = [name for name in _PLACEHOLDER.findall(value) if not environ.get(name)]
    if missing and not off:
        names = " and ".join(missing)
        faults.append(Fault(path, show(path, value), f"a value: set {names} in the environment, or write it here"))
        return value
    return _PLACEHOLDER.sub(lambda name: environ.get(name[1], ""), value)


def _is_off(enabled: object, environ: Mapping[str, str]) -> bool:
    if isinstance(enabled, str):
        enabled = _PLACEHOLDER.sub(lambda name: environ.get(name[1], ""), enabled)
    try:
        return not switch(enabled)
    except ValueError:
        return False


def _value(text: str) -> Any:
    if text.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _copy(tree: Any) -> Any:
    return {name: _copy(value) for name, value in tree.items()} if isinstance(tree, dict) else tree
