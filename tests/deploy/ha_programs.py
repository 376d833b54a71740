"""Programs of Debian's packages for several machines, installed or unpacked, run by somebody who is not root."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

UNPACKED = Path(__file__).parents[2] / ".venv/tools/ha"
"""Where ``scripts/run_tests.sh --all`` puts what is not installed; there only, because an installed one would serve."""
_NOBODY = "nobody"
_PLACES = ("usr/bin", "usr/sbin", "usr/local/bin")


@dataclass(frozen=True, slots=True)
class Programs:
    """
    Attributes:
        root: a copy of ``UNPACKED`` that nobody may read, too.
    """

    root: Path

    @classmethod
    def copied(cls, folder: Path) -> "Programs":
        """Those of this machine: nobody may not look into everybody's checkout."""
        if UNPACKED.is_dir():
            shutil.copytree(UNPACKED, folder, symlinks=True)
        return cls(folder)

    def path(self, name: str) -> Path:
        for root in (self.root, Path("/")):
            newest_first = sorted(root.glob("usr/lib/postgresql/*/bin"), reverse=True)
            for place in (*newest_first, *(root / each for each in _PLACES)):
                if (place / name).is_file():
                    return place / name
        raise AssertionError(f"{name} is missing: start the tests with `bash scripts/run_tests.sh --all`")

    def environment(self) -> dict[str, str]:
        """So that they find each other's libraries, those of Python too."""
        libraries = sorted(self.root.glob("usr/lib/*-linux-gnu"))
        python = self.root / "usr/lib/python3/dist-packages"
        return {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
            "PYTHONPATH": str(python),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def start(self, words: list[str], folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        """Run the first word with the rest, as nobody if this is root; its words go to a log in the folder."""
        with (folder / f"{words[0]}.log").open("ab") as log:
            return subprocess.Popen(
                [*as_nobody(), str(self.path(words[0])), *words[1:]],
                cwd=folder,
                env={**self.environment(), **environment},
                stdout=log,
                stderr=log,
            )


def as_nobody(*, stay: bool = False) -> list[str]:
    """Words before a command: it ends when the tests end, however they do, and is not root, whom PostgreSQL refuses.

    Args:
        stay: it remains who we are.
    """
    drop = [f"--reuid={_NOBODY}", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 and not stay else []
    return ["setpriv", *drop, "--pdeathsig=KILL", "--"]


def let_in(folder: Path) -> None:
    """Give a folder to whoever the programs run as."""
    if os.geteuid() == 0:
        shutil.chown(folder, _NOBODY, "nogroup")
