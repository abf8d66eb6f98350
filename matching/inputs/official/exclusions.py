"""Which establishments of a GIAS extract are left out, and why."""

import re
from collections.abc import Collection, Iterator, Mapping

import numpy as np
import pandas as pd

from matching.inputs.official.cells import spelt_as
from matching.inputs.official.postcodes import far_from_postcode
from matching.tables.grid import ENGLAND_EASTING_M, ENGLAND_NORTHING_M

REASONS = {
    "closed": "closed",
    "proposed": "proposed, not yet open",
    "other_status": "neither open nor closed in GIAS",
    "not_in_england": "not in England",
    "not_a_school": "not a school",
    "unknown_type": "of a type that this version does not know",
    "no_phase": "without a phase of education in GIAS",
    "no_place": "without a location in England in GIAS",
    "wrong_place": "at a location in GIAS that is far from its postcode",
}
"""Why an establishment is left out, by code; the first reason that applies is given."""

# Words for a blank in GIAS, in small letters.
MISSING = frozenset({"", "null", "not applicable", "not judged", "c", "z", "supp"})
_OPEN = ("Open", "Open, but proposed to close")
_CLOSED = "Closed"
_PROPOSED = "Proposed to open"
_WALES = "Wales (pseudo)"
_SCHOOL_KINDS = ("state", "independent")
_ELSEWHERE = "not in England"


def exclusions(found: pd.DataFrame, unknown: Mapping[str, Collection[int]]) -> pd.DataFrame:
    """Return the reason for leaving out each establishment.

    Parameters
    ----------
    found : DataFrame
        As `matching.inputs.official.gias` interprets an extract.
    unknown : mapping of str to collection of int
        By required column: the rows whose blank is a value that the file does not hold. Such a blank is
        no reason.

    Returns
    -------
    DataFrame
        urn, name, reason_code (of `REASONS`) and reason, which completes a sentence that begins with the name; the
        last two are blank for a school that is kept.
    """
    rules = list(_rules(found, unknown))
    # The comparison with neighbours is slow, and only sound locations can be compared.
    sound = ~pd.concat([mask for _, mask, _ in rules], axis=1).any(axis=1)
    rules.append(("wrong_place", *far_from_postcode(found, sound)))
    masks = [mask for _, mask, _ in rules]
    return found[["urn", "name"]].assign(
        reason_code=np.select(masks, [code for code, _, _ in rules], ""),
        reason=np.select(masks, [reason for _, _, reason in rules], ""),
    )


def left_out_counts(left_out: pd.DataFrame) -> pd.DataFrame:
    """Count the establishments left out by reason.

    Parameters
    ----------
    left_out : DataFrame
        As in `matching.inputs.official.gias.OfficialSchools`.

    Returns
    -------
    DataFrame
        reason_code, reason (in general words) and count, for the reasons that occur, in the order of `REASONS`.
    """
    counts = left_out["reason_code"].value_counts()
    rows = [(code, words, int(counts[code])) for code, words in REASONS.items() if code in counts.index]
    return pd.DataFrame(rows, columns=["reason_code", "reason", "count"])


def _rules(
    found: pd.DataFrame, unknown: Mapping[str, Collection[int]]
) -> Iterator[tuple[str, pd.Series, pd.Series | str]]:
    """Yield each code of `REASONS` in order, with the establishments that it applies to and the reason in words."""
    status = spelt_as(found["status"], (*_OPEN, _CLOSED, _PROPOSED))
    in_wales = spelt_as(found["region"], (_WALES,)) != ""
    location = "easting '" + found["easting"] + "' and northing '" + found["northing"] + "'"
    in_box = found["easting_m"].between(*ENGLAND_EASTING_M) & found["northing_m"].between(*ENGLAND_NORTHING_M)
    closed = found["closed_on"].map({day: _closed(day) for day in found["closed_on"].unique()})
    unplaced = _is_missing(found["easting"]) & _is_missing(found["northing"])

    def known(*names: str) -> pd.Series:
        return ~found["row"].isin({row for name in names for row in unknown[name]})

    typed, placed = known("type"), known("easting", "northing")

    yield "closed", status == _CLOSED, closed
    yield "proposed", status == _PROPOSED, "is proposed and not yet open"
    yield "other_status", ~status.isin(_OPEN) & known("status"), "has the status '" + found["status"] + "' in GIAS"
    yield "not_in_england", in_wales, "is in Wales according to its region in GIAS"
    yield "not_in_england", found["kind"] == _ELSEWHERE, "is not in England (" + found["type_name"] + ")"
    of_type = "is of type '" + found["type"] + "', which this version does not know"
    yield "unknown_type", (found["kind"] == "") & typed, of_type
    yield "not_a_school", ~found["kind"].isin(_SCHOOL_KINDS) & typed, "is not a school (" + found["kind"] + ")"
    # The phase of some schools follows from their type.
    no_phase = (found["known_phase"] == "") & typed & known("phase")
    yield "no_phase", no_phase, "has no phase of education in GIAS ('" + found["phase"] + "')"
    yield "no_place", unplaced & placed, "has no easting and northing in GIAS"
    yield "no_place", ~in_box & placed, "has " + location + " in GIAS, which is not in England"


def _closed(closed_on: str) -> str:
    """Return the reason for a closed establishment; GIAS writes 31-08-2021, which a spreadsheet makes 2021-08-31."""
    if closed_on.casefold() in MISSING:
        return "closed on a day that GIAS does not give"
    return "closed on " + re.sub(r"^([0-9]{4})-([0-9]{2})-([0-9]{2})$", r"\3-\2-\1", closed_on).replace("-", "/")


def _is_missing(cells: pd.Series) -> pd.Series:
    return cells.str.casefold().isin(MISSING)
