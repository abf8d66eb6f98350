"""Messages, visits, evaluations and rates are events, which no earlier version knows; the tables stay as they are."""

revision = "0006_since_0.2.0"
down_revision = "0005_since_0.2.0"


def upgrade() -> None:
    """Change nothing. An earlier version refuses the database by this revision, where it would find it damaged."""
