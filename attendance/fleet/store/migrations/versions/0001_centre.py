"""Schools, gates, people, scans, directory, commands. As it was then: later steps stand in files of their own."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Each kind of database has its own script: what differs between them is most of what matters in it."""
    conn = op.get_bind()
    script = Path(__file__).with_name(f"0001_centre_{conn.dialect.name}.sql").read_text()
    for statement in script.split(";\n"):
        if statement.strip():
            conn.exec_driver_sql(statement)
