"""The inputs that a plan keeps: the tables as they were read, with only the columns that its run used.

Reading them again gives the tables of the run, without contacts, notes, columns of the user's own or what an official
extract says beyond them.
"""

import math
from collections.abc import Mapping

import pandas as pd
from pandas.api.types import is_numeric_dtype

from matching.inputs.inputs import Inputs

STORED_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "schools": (
        "urn",
        "name",
        "phase",
        "easting",
        "northing",
        "local_authority",
        "region",
        "trust",
        "trust_code",
        "federation",
        "postcode",
        "ofsted",
        "fsm_percent",
    ),
    "supporters": (
        "supporter_id",
        "name",
        "designation",
        "school_urn",
        "phases",
        "specialisms",
        "max_deployments",
        "days_available",
        "max_distance_km",
        "conflicts",
        "available_from",
        "available_until",
        "unavailable",
    ),
    "needs": ("need_id", "school_urn", "focus", "designations", "days", "priority", "package", "start_by", "state"),
    "accreditation": ("supporter_id", "criterion", "met", "evidence", "checked_on"),
    "decisions": ("kind", "supporter_id", "need_id", "school_urn", "reason", "by", "on", "rules_broken"),
    "baseline": ("need_id", "supporter_id"),
}
"""The columns of each table that a run uses; the postcode is for the letters of its hand-over."""


def stored_tables(inputs: Inputs) -> dict[str, pd.DataFrame]:
    """Return the tables of a run as text, by name, in the columns of `STORED_COLUMNS`."""
    frames = {
        "schools": inputs.schools,
        "supporters": inputs.supporters,
        "needs": inputs.all_needs,
        "accreditation": inputs.accreditation,
        "decisions": _as_given(inputs) if len(inputs.decisions) or "decisions" in inputs.files else None,
        "baseline": inputs.baseline,
    }
    return {
        name: pd.DataFrame({column: _texts(frame[column]) for column in STORED_COLUMNS[name]}, dtype="object")
        for name, frame in frames.items()
        if frame is not None
    }


def stored_path(name: str) -> str:
    """Return the path of a stored table, or of the policy, in the plan's directory."""
    return f"inputs/{name}.{'toml' if name == 'policy' else 'csv'}"


def _as_given(inputs: Inputs) -> pd.DataFrame:
    """Return the decisions as in their file: a row about every need of a school, and not one for each of them."""
    school_of = dict(zip(inputs.all_needs["need_id"], inputs.all_needs["school_urn"], strict=True))
    size = inputs.all_needs["school_urn"].value_counts().to_dict()
    decisions = inputs.decisions.assign(school_urn=inputs.decisions["need_id"].map(school_of))
    about = ["row", "kind", "supporter_id", "school_urn", "reason", "by", "on", "rules_broken"]
    needs = decisions.groupby(about, dropna=False)["need_id"].transform("size")
    of_school = (needs > 1) & (needs == decisions["school_urn"].map(size))
    given = decisions.assign(
        need_id=decisions["need_id"].mask(of_school, ""), school_urn=decisions["school_urn"].where(of_school, "")
    )
    return given.drop_duplicates([*about, "need_id"], ignore_index=True)


def _texts(cells: pd.Series) -> list[str]:
    # As lists, because single numbers of an array are slow to write.
    values = cells.tolist()
    if is_numeric_dtype(cells):
        return [f"{value:.15g}" if math.isfinite(value) else "" for value in values]
    # Few cells of a column differ.
    written = {cell: _text(cell) for cell in dict.fromkeys(values)}
    return [written[cell] for cell in values]


def _text(cell: object) -> str:
    if isinstance(cell, tuple):
        return ";".join(map(str, cell))
    if isinstance(cell, float):
        return f"{cell:.15g}" if math.isfinite(cell) else ""
    return "" if cell is None or cell is pd.NaT else str(cell)
