"""Made-up supporters and needs at given schools, to try a run before there are real lists.

No person in them exists, and any likeness of a name is chance.
"""

import numpy as np
import pandas as pd

from matching.errors import DataError, Problem, file_problem
from matching.inputs.checks.areas import schools_in
from matching.inputs.simulation.requests import made_up_decisions, made_up_needs
from matching.inputs.simulation.supporters import made_up_accreditation, made_up_supporters
from matching.tables.contacts import UNREAD
from matching.tables.csv_out import number_text
from matching.tables.formats import INSPECTION_COLUMNS, table_formats
from matching.tables.vocabulary import standard_vocabulary

# Several times the number in all of England; their evidence still fits into one file that can be read.
_MOST = 100_000


def simulate(
    schools: pd.DataFrame, supporters: int, needs: int, seed: int, *, region: str | None = None, with_days: bool = True
) -> dict[str, pd.DataFrame]:
    """Make up a round at real or fictional schools.

    Parameters
    ----------
    schools : DataFrame
        As `matching.inputs.read.read_schools` returns it, in any order of rows.
    supporters, needs : int
        The numbers to make up.
    seed : int
        The same seed gives the same round.
    region : str, optional
        Only schools of this region take part.
    with_days : bool
        Whether supporters and needs have days; without them, days limit nothing.

    Returns
    -------
    dict of str to DataFrame
        `schools` (those that take part), `supporters`, `needs`, `accreditation` and `decisions`, in the columns of the
        tables; all cells are text.

    Raises
    ------
    DataError
        There is no school or no such region, or the number of supporters or needs is too small or too large.

    Notes
    -----
    Each table has a random stream of its own, so that more needs do not change the supporters.
    """
    area = _area(schools, supporters, needs, seed, region)
    for_people, for_needs, for_evidence, for_decisions = np.random.default_rng(seed).spawn(4)
    people = made_up_supporters(area, supporters, for_people, with_days)
    asked = made_up_needs(area, needs, for_needs, with_days)
    frames = {
        "schools": area,
        "supporters": people,
        "needs": asked,
        "accreditation": made_up_accreditation(area, people, for_evidence),
        "decisions": made_up_decisions(area, people, asked, for_decisions),
    }
    return {name: _as_text(name, frame) for name, frame in frames.items()}


def _area(schools: pd.DataFrame, supporters: int, needs: int, seed: int, region: str | None) -> pd.DataFrame:
    """Return the schools that take part, by urn, with numbers as numbers; or raise every problem."""
    problems = [
        Problem("simulate", None, "", str(count), f"{count} {noun} cannot be made up.", f"Choose 1 to {_MOST:,}.")
        for count, noun in ((supporters, "supporters"), (needs, "needs"))
        if not 1 <= count <= _MOST
    ]
    if seed < 0:
        problems.append(Problem("simulate", None, "", str(seed), f"The seed is {seed}.", "Give 0 or a larger number."))
    if schools.empty:
        problems.append(file_problem("schools", "There is no school.", "Give a table with at least one."))
    try:
        within = schools_in(schools, {"region": () if region is None else (region,)})
    except DataError as error:
        problems += error.problems
    if problems:
        raise DataError(problems)
    numbers = dict.fromkeys(("easting", "northing", "pupils", "fsm_percent"), "float64")
    return within.sort_values("urn", ignore_index=True).astype(numbers)


def _as_text(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with the columns of its table, all cells text; dates and states are left blank."""
    not_made_up = {"latitude", "longitude", *INSPECTION_COLUMNS, *UNREAD.get(name, ())}
    names = [column for column in table_formats(standard_vocabulary())[name].column_names if column not in not_made_up]
    return pd.DataFrame({column: _cells(frame[column]) if column in frame else [""] * len(frame) for column in names})


def _cells(values: pd.Series) -> list[str]:
    if not pd.api.types.is_numeric_dtype(values):
        return values.tolist()
    return list(map(number_text, values.tolist()))
