"""The sound inputs of one run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from matching.errors import DataError, Problem
from matching.tables.formats import table_formats
from matching.tables.policy import Policy
from matching.tables.vocabulary import Vocabulary, standard_vocabulary


@dataclass(frozen=True)
class InputFile:
    """Where a table came from: the file's name, the SHA-256 digest of its bytes, and its number of rows."""

    name: str
    sha256: str
    rows: int | None


@dataclass(frozen=True)
class Inputs:
    """Sound inputs of one run, in an order that does not depend on the files'.

    Attributes
    ----------
    schools : DataFrame
        By urn; columns of the schools table.
    supporters : DataFrame
        By supporter_id; columns of the supporters table. `phases`, `specialisms`, `conflicts` and `unavailable` hold
        tuples; `days_available` and `max_distance_km` are infinite, and days are None, where the cell was blank.
    needs : DataFrame
        By need_id, the needs that are open or held by a pin; columns of the needs table. `designations` holds the
        accepted ones, filled from the focus where the cell was blank.
    accreditation : DataFrame or None
        By supporter_id and criterion; None where no file was given.
    decisions : DataFrame
        By need_id, supporter_id and kind: one row for each need that a decision is about, whether or not it is open.
    baseline : DataFrame or None
        By need_id: need_id and supporter_id of an earlier plan's deployments; None in a first run.
    notices : tuple of str
        What a reader of the plan should know about its inputs.
    left_out : tuple of str
        The notices about rows that were left out on request; `notices` holds them too.
    as_at : date
        The day on which evidence is judged to be due for review, and on which needs without `start_by` begin.
    not_open : DataFrame
        By need_id, the other needs: paused or withdrawn, and not held by a pin.
    unusable_contacts : tuple of Problem
        The cells with contact details that cannot be used; they are read as blank, and no run needs them.
    """

    vocabulary: Vocabulary
    schools: pd.DataFrame
    supporters: pd.DataFrame
    needs: pd.DataFrame
    accreditation: pd.DataFrame | None
    decisions: pd.DataFrame
    baseline: pd.DataFrame | None
    policy: Policy
    files: Mapping[str, InputFile]
    notices: tuple[str, ...]
    as_at: date
    left_out: tuple[str, ...] = ()
    not_open: pd.DataFrame = field(default_factory=lambda: no_needs(standard_vocabulary()))
    unusable_contacts: tuple[Problem, ...] = field(default=(), repr=False)

    @property
    def all_needs(self) -> pd.DataFrame:
        """Every need of the needs table, by need_id."""
        if self.not_open.empty:
            return self.needs
        return pd.concat([self.needs, self.not_open]).sort_values("need_id", ignore_index=True)

    def with_sound_contacts(self) -> "Inputs":
        """Return the inputs if all contact details can be used, as must be in a table of a user.

        Raises
        ------
        DataError
        """
        if self.unusable_contacts:
            raise DataError(self.unusable_contacts, self.notices)
        return self

    def state_of(self, need_id: str) -> str:
        """Return the state of a need that is not open, and otherwise nothing."""
        return str(next(iter(self.not_open.loc[self.not_open["need_id"] == need_id, "state"]), ""))


def no_needs(vocabulary: Vocabulary) -> pd.DataFrame:
    """Return a table of needs without a row."""
    return pd.DataFrame(columns=["row", *table_formats(vocabulary)["needs"].column_names], dtype="object")
