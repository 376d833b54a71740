"""Column types: the same Python values over SQLite's texts and PostgreSQL's own types."""

import re
from datetime import date, datetime
from typing import Any, ClassVar, TypeVar

from sqlalchemy import JSON, BigInteger, Dialect, Integer, Text, TypeDecorator
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from attendance.clock import from_rfc3339, rfc3339

Document = JSON().with_variant(postgresql.JSONB(), "postgresql")
Serial = BigInteger().with_variant(Integer(), "sqlite")
"""A number that the database gives; SQLite does that for INTEGER only."""


_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_Value = TypeVar("_Value")


class _Native(TypeDecorator[_Value]):
    """A column of PostgreSQL's own type; text in SQLite, which has no such types."""

    impl = Text
    native: ClassVar[TypeEngine[Any]]

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(self.native if dialect.name == "postgresql" else Text())


class Id(_Native[str]):
    """A UUID; text in Python. A text that is none, as from somebody's address bar, is nobody's id: NULL."""

    cache_ok = True
    native = postgresql.UUID(as_uuid=False)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value if value is not None and _UUID.fullmatch(value) else None


class Instant(_Native[datetime]):
    """A time; aware UTC in Python."""

    cache_ok = True
    native = postgresql.TIMESTAMP(timezone=True)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else rfc3339(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return value if value is None or isinstance(value, datetime) else from_rfc3339(value)


class WireTime(_Native[str]):
    """A time; in Python the text that ``attendance.domain.wire.Time`` is."""

    cache_ok = True
    native = postgresql.TIMESTAMP(timezone=True)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return value if value is None or isinstance(value, str) else rfc3339(value)


class WireDay(_Native[str]):
    """A local date; in Python the text that ``attendance.domain.wire.Day`` is."""

    cache_ok = True
    native = postgresql.DATE()

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return value.isoformat() if isinstance(value, date) else value
