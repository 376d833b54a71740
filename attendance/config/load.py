"""From a file and the environment to settings: defaults < file < environment. Nothing else is touched."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from attendance.config import environment, faults, reading, retired
from attendance.config.catalogue import Tree, flat, known
from attendance.config.paths import Paths, locate
from attendance.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration without faults.

    Attributes:
        warnings: a sentence for each key that has no effect.
        source: the file, or ``None`` when there is none and the defaults hold.
        origins: where each value comes from, by path: ``default``, ``file`` or a variable's name.
    """

    settings: Settings
    warnings: tuple[str, ...]
    source: Path | None
    origins: Mapping[str, str]


def load(paths: Paths, environ: Mapping[str, str] = os.environ) -> Loaded:
    """The settings that hold.

    Raises:
        FaultyConfig: naming every fault there is.
    """
    source = paths.config_file if paths.config_chosen or paths.config_file.exists() else None
    written, found = reading.read(source) if source else ({}, [])
    variables = environment.overrides(environ)
    tree = environment.apply(retired.move(written), variables, environ, found)
    tree, warnings = retired.drop(tree)
    filled = environment.fill(tree, plain(Settings()), environ, found)
    settings = _validated(filled, variables, found)
    if settings is None or found:
        raise faults.FaultyConfig(str(source or "of the environment"), found)
    warnings += [f"{name} has no effect: {why}" for name, why in retired.RETIRED_VARIABLES.items() if name in environ]
    return Loaded(settings, tuple(warnings), source, _origins(settings, tree, variables))


def configured() -> tuple[Settings, Paths]:
    """What holds here and where things lie: for a documented class that is made with no argument.

    Raises:
        FaultyConfig: naming every fault there is.
    """
    paths = locate()
    return load(paths).settings, paths


def plain(settings: Settings) -> Tree:
    """The settings in the form of a file, secrets included."""
    return settings.model_dump(mode="json")


def masked(settings: Settings) -> Tree:
    """The settings in the form of a file, fit to be shown: no secret, no login in an address."""
    return _masked(plain(settings), "")


def _masked(tree: Tree, parent: str) -> Tree:
    return {name: _masked_value(value, f"{parent}{name}") for name, value in tree.items()}


def _masked_value(value: Any, path: str) -> Any:
    if isinstance(value, dict):
        return _masked(value, f"{path}.")
    key = known(path)
    if key is not None and key.secret and value:
        return faults.MASK
    return faults.without_login(value) if isinstance(value, str) else value


def _validated(tree: Tree, variables: Mapping[str, str], found: list[faults.Fault]) -> Settings | None:
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        unfilled = {fault.path for fault in found}
        found += [fault for fault in faults.from_validation(error.errors(), variables) if fault.path not in unfilled]
        return None


def _origins(settings: Settings, tree: Tree, variables: Mapping[str, str]) -> dict[str, str]:
    written = dict(flat(tree))
    origins = {}
    for path, _ in flat(plain(settings)):
        variable = next((name for key, name in variables.items() if f"{path}.".startswith(f"{key}.")), None)
        origins[path] = variable or ("file" if path in written else "default")
    return origins
