"""What can be read of the rounds of a database."""

from matching.rounds.round import PlanRecord, Round, RoundSummary, refused
from matching.rounds.round_file.zipped import packed
from matching.rounds.storage.rows import known_round, read_plan_files, read_plans, read_round, read_summaries
from matching.rounds.storage.sqlite import Database


class RoundReader:
    """The rounds of one database file, to be read by any number of threads.

    Every method raises `DataError` if the database cannot be read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, round_id: str) -> Round | None:
        """Return the round of this identifier with all its files, or None."""
        with self._database.reading() as connection:
            return read_round(connection, round_id)

    def list(self, *, archived: bool = False) -> tuple[RoundSummary, ...]:
        """Return all rounds, the newest first; archived ones only on request."""
        with self._database.reading() as connection:
            return read_summaries(connection, archived=archived)

    def plans(self, round_id: str) -> tuple[PlanRecord, ...]:
        """Return every plan of a round by number, without its files."""
        with self._database.reading() as connection:
            return read_plans(connection, round_id)

    def plan_files(self, round_id: str, number: int) -> dict[str, bytes]:
        """Return the files of one plan of a round by path, in their order.

        Raises
        ------
        DataError
            There is no such plan.
        """
        with self._database.reading() as connection:
            files = read_plan_files(connection, round_id, number)
        if files is None:
            raise refused(f"There is no plan {number} in this round.", "Choose one from the list of its plans.")
        return files

    def export_round(self, round_id: str) -> bytes:
        """Return a round with all its files, plans and history as one zip, for `import_round` on any machine.

        Equal rounds give equal bytes.

        Raises
        ------
        DataError
            There is no such round.
        """
        with self._database.reading() as connection:
            found = known_round(connection, round_id)
            plans = {one.number: read_plan_files(connection, round_id, one.number) or {} for one in found.plans}
        return packed(found, plans)

    def close(self) -> None:
        """Close the database file."""
        self._database.close()
