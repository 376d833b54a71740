"""A pooler between the centre and PostgreSQL that gives every transaction another session."""

import pytest
from sqlalchemy import text

from attendance.fleet.store.engine import open_engine, reading

_OFTEN = 12
"""The driver prepares a statement that it has seen five times."""


@pytest.mark.parametrize(("parameter", "prepares"), [("", True), ("&prepared_statements=false", False)])
def test_the_url_says_whether_statements_may_be_prepared(postgresql_url: str, parameter: str, prepares: bool) -> None:
    """Prepared ones stay in a session, which is another's next time."""
    engine = open_engine(postgresql_url + parameter, connections=1)
    for _ in range(_OFTEN):
        with reading(engine) as conn:
            kept = conn.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar_one()
    engine.dispose()
    assert bool(kept) == prepares


def test_nothing_is_set_in_a_session_that_is_shared(postgresql_url: str) -> None:
    """The role has the settings then."""
    engine = open_engine(f"{postgresql_url}&prepared_statements=false", connections=1)
    with reading(engine) as conn:
        assert conn.execute(text("SHOW statement_timeout")).scalar_one() == "0"
    engine.dispose()
