"""From files and the environment to settings: defaults < file < centre < environment. Nothing else is touched."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from attendance.config import centre, environment, faults, reading, retired
from attendance.config.catalogue import Tree, flat, known
from attendance.config.paths import Paths, locate
from attendance.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration without faults.

    Attributes:
        warnings: a sentence for each key that has no effect.
        source: the file, or ``None`` when there is none and the defaults hold.
        origins: where each value comes from, by path: ``default``, ``file``, ``centre`` or a variable's name.
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
    try:
        decided = centre.decided(paths.data_dir)
        return _load(paths, environ, decided)
    except faults.FaultyConfig as error:
        loaded = _load(paths, environ, {})  # what the centre decides must not keep a gate from starting
        doubt = f"{paths.data_dir / centre.FILE} has no effect, the settings would have faults with it: {error}"
        return replace(loaded, warnings=(*loaded.warnings, doubt))


def check_decided(paths: Paths, decided: Tree, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings that would hold if the centre decided so.

    Raises:
        FaultyConfig: they would have faults.
    """
    if found := centre.strange(decided):
        raise faults.FaultyConfig("of the centre", found)
    return _load(paths, environ, decided).settings


def _load(paths: Paths, environ: Mapping[str, str], decided: Tree) -> Loaded:
    source = paths.config_file if paths.config_chosen or paths.config_file.exists() else None
    written, found = reading.read(source) if source else ({}, [])
    variables = environment.overrides(environ)
    tree = environment.apply(centre.over(retired.move(written), decided), variables, environ, found)
    tree, warnings = retired.drop(tree)
    filled = environment.fill(tree, plain(Settings()), environ, found)
    settings = _validated(filled, variables, found)
    if settings is None or found:
        raise faults.FaultyConfig(str(source or "of the environment"), found)
    warnings += [f"{name} has no effect: {why}" for name, why in retired.RETIRED_VARIABLES.items() if name in environ]
    return Loaded(settings, tuple(warnings), source, _origins(settings, tree, decided, variables))


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


def _origins(settings: Settings, tree: Tree, decided: Tree, variables: Mapping[str, str]) -> dict[str, str]:
    written, of_centre = dict(flat(tree)), dict(flat(decided))
    origins = {}
    for path, _ in flat(plain(settings)):
        variable = next((name for key, name in variables.items() if f"{path}.".startswith(f"{key}.")), None)
        said = "centre" if path in of_centre else "file" if path in written else "default"
        origins[path] = variable or said
    return origins
