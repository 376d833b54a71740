"""A configuration file of one's own, and nothing from the environment of whoever runs the tests."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from attendance.config import FaultyConfig, Loaded, Paths, load

LoadText = Callable[..., Loaded]


@pytest.fixture
def load_text(tmp_path: Path) -> LoadText:
    """Load a file with this text or bytes, in this environment."""

    def from_text(text: str | bytes, environ: Mapping[str, str] | None = None) -> Loaded:
        file = tmp_path / "config.json"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return load(Paths(tmp_path, tmp_path / "data", file, config_chosen=True), environ or {})

    return from_text


@pytest.fixture
def load_tree(load_text: LoadText) -> LoadText:
    """Load a file with this object, in this environment."""

    def from_tree(tree: Any, environ: Mapping[str, str] | None = None) -> Loaded:
        return load_text(json.dumps(tree), environ)

    return from_tree


@pytest.fixture
def faults_of(load_tree: LoadText) -> Callable[..., dict[str, tuple[str, str]]]:
    """The faults of an object by path: what stands there, and what may."""

    def found(tree: Any, environ: Mapping[str, str] | None = None) -> dict[str, tuple[str, str]]:
        with pytest.raises(FaultyConfig) as refused:
            load_tree(tree, environ)
        return {fault.path: (fault.value, fault.allowed) for fault in refused.value.faults}

    return found
