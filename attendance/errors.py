"""The project's errors.

Each message says what failed, with which thing, why, and what to do. Values are shown with ``!r``; personal data
never is.
"""


class AttendanceError(Exception):
    """Anything that the program can explain to the person in front of it."""


class BadInput(AttendanceError):
    """What a person, a file or a peer gave us cannot be used. Nothing was changed."""


class ConfigError(AttendanceError):
    """The configuration has faults; the message lists all of them."""


class StorageError(AttendanceError):
    """The database or the disk refused."""


class AlreadyRunning(AttendanceError):
    """Another process holds the data directory."""


class AssetsMissing(AttendanceError):
    """A downloaded part (a face model, the demo portrait) is not there or not what it should be."""
