"""Areas as they are named: the schools in them, and what a mistyped name may mean."""

from collections.abc import Collection, Mapping

import pandas as pd

from matching.errors import DataError, Problem, did_you_mean, first_ten, shown
from matching.tables.vocabulary import comparable


def schools_in(schools: pd.DataFrame, places: Mapping[str, Collection[str]]) -> pd.DataFrame:
    """Return the schools that are in one of the areas named in each column; all, where none is named.

    Parameters
    ----------
    places : mapping of str to collection of str
        By column (local_authority or region): names, however they are spelt.

    Raises
    ------
    DataError
        No school is in an area that was named.
    """
    problems = []
    for column, names in places.items():
        known = {comparable(name): name for name in sorted(set(schools[column]) - {""})}
        words = column.replace("_", " ")
        for name in names:
            if comparable(name) not in known:
                otherwise = (
                    f"Known are: {first_ten(list(known.values()))}."
                    if known
                    else f"No school has a {words}: leave it out."
                )
                fix = did_you_mean(name, known.values(), otherwise)
                problems.append(Problem("schools", None, column, name, f"No school is in {shown(name)}.", fix))
    if problems:
        raise DataError(problems)
    for column, names in places.items():
        if names:
            schools = schools[schools[column].map(comparable).isin({comparable(name) for name in names})]
    return schools
