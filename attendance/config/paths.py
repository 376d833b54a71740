"""Where things lie: the home directory, the data directory and the configuration file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

import attendance
from attendance.errors import ConfigError

CONFIG_FILE = Path("config/config.json")
DATA = "data"


@dataclass(frozen=True, slots=True)
class Paths:
    """The absolute places of one gate.

    Attributes:
        home: what relative paths of the configuration are relative to.
        data_dir: where paths that begin with ``data/`` really lie.
        config_file: the configuration.
        config_chosen: a person named that file, so it must exist.
    """

    home: Path
    data_dir: Path
    config_file: Path
    config_chosen: bool = False

    def resolve(self, configured: str) -> Path:
        """The absolute path that a configured one means."""
        path = PurePath(configured)
        if path.parts[:1] == (DATA,):
            return self.data_dir.joinpath(*path.parts[1:])
        return self.home / path

    @property
    def database(self) -> Path:
        return self.data_dir / "attendance.db"

    @property
    def photos(self) -> Path:
        return self.data_dir / "photos"

    @property
    def assets(self) -> Path:
        """Face models: parts of the program, not of the data, so the same for every data directory."""
        return Path(os.environ.get("ATTENDANCE_ASSETS") or self.home / DATA / "assets")

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"


def locate(
    config: str | None = None,
    data_dir: str | None = None,
    environ: Mapping[str, str] = os.environ,
    package: Path = Path(attendance.__file__).parent,
) -> Paths:
    """The places, from what the command line and the environment say.

    Args:
        config: the file that the command line names, relative to the current directory.
        data_dir: the data directory that the command line names, relative to the current directory.
        package: where this package lies; its parent is the home if it is a checkout.

    Raises:
        ConfigError: ``ATTENDANCE_HOME`` is no directory.
    """
    home = _home(environ.get("ATTENDANCE_HOME", ""), package)
    return Paths(
        home=home,
        data_dir=Path(data_dir).absolute() if data_dir else home / DATA,
        config_file=Path(config).absolute() if config else home / CONFIG_FILE,
        config_chosen=bool(config),
    )


def _home(configured: str, package: Path) -> Path:
    if configured:
        if not Path(configured).is_dir():
            raise ConfigError(
                f"ATTENDANCE_HOME is {configured!r}, which is no directory. Make it, or unset the variable."
            )
        return Path(configured).absolute()
    checkout = package.absolute().parent
    return checkout if (checkout / "attendance_system.py").is_file() else Path.cwd()
