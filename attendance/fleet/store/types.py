"""Column types: the same Python values over SQLite's texts and PostgreSQL's own types."""

import re
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Dialect, Integer, Text, TypeDecorator
from sqlalchemy.dialects import postgresql

from attendance.clock import from_rfc3339, rfc3339

Document = JSON().with_variant(postgresql.JSONB(), "postgresql")
Serial = BigInteger().with_variant(Integer(), "sqlite")
"""A number that the database gives; SQLite does that for INTEGER only."""


_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class Id(TypeDecorator[str]):
    """A UUID; text in Python. A text that is none, as from somebody's address bar, is nobody's id: NULL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.UUID(as_uuid=False))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value if value is not None and _UUID.fullmatch(value) else None


class Instant(TypeDecorator[datetime]):
    """A time; aware UTC in Python."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else rfc3339(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return value if value is None or isinstance(value, datetime) else from_rfc3339(value)


class WireTime(TypeDecorator[str]):
    """A time; in Python the text that ``attendance.domain.wire.Time`` is."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(Text())

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return value if value is None or isinstance(value, str) else rfc3339(value)


class WireDay(TypeDecorator[str]):
    """A local date; in Python the text that ``attendance.domain.wire.Day`` is."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.DATE())
        return dialect.type_descriptor(Text())

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return value.isoformat() if isinstance(value, date) else value
