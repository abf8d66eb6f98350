"""Plans of formats 1 to 3: the only place that knows what they lack, what they called things and how they were read.

Format 1 holds the files of its inputs as they were given, and no format in its manifest. Format 2 compared trusts by
the letters of their names, knew no federations, and did not question a cell. Format 3 is the present one, but that its
equity.csv counts trusts by the letters of their names. Cells that came later are blank in their tables, and tables that
came later are None.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from matching.errors import DataError
from matching.inputs.inputs import Inputs
from matching.inputs.read import SOURCES
from matching.plan.write import PLAN_COLUMNS, PROOF_BY_LOADS, PROOF_BY_PRICES, PROOF_BY_SEARCH
from matching.tables.files import Source, read_sheet

_LATER_COLUMNS = ("status", "rules_broken")
DEPLOYMENT_COLUMNS = tuple(name for name in PLAN_COLUMNS if name not in _LATER_COLUMNS)
"""The columns of plan.csv in format 1."""

_FORMAT_1: Mapping[str, tuple[str, ...]] = {
    "schools": (
        *("urn", "name", "phase", "easting", "northing", "local_authority", "region", "trust", "postcode", "ofsted"),
        *("pupils", "fsm_percent", "ofsted_date", "ofsted_concern", "ofsted_areas", "inspected_on", "ofsted_found"),
        *("latitude", "longitude"),
    ),
    "supporters": (
        *("supporter_id", "name", "designation", "school_urn", "phases", "specialisms", "max_deployments"),
        *("days_available", "max_distance_km", "alliance", "conflicts"),
    ),
    "needs": ("need_id", "school_urn", "focus", "designations", "days", "priority", "package", "notes"),
    "accreditation": ("supporter_id", "criterion", "met", "evidence", "checked_on"),
    "decisions": ("kind", "supporter_id", "need_id", "school_urn", "reason", "by", "on"),
    "baseline": ("need_id", "supporter_id"),
}
INPUT_COLUMNS: Mapping[int, Mapping[str, tuple[str, ...]]] = {
    1: _FORMAT_1,
    2: {
        **_FORMAT_1,
        "supporters": (*_FORMAT_1["supporters"], "available_from", "available_until", "unavailable"),
        "needs": (*_FORMAT_1["needs"], "requested_on", "start_by", "state"),
        "decisions": (*_FORMAT_1["decisions"], "rules_broken"),
    },
}
"""By format: the columns of the inputs that it read, by table; later ones are unread, and their rules are off."""
_METHODS = {
    "prices": PROOF_BY_PRICES,
    "prices, and a search where days bind": PROOF_BY_SEARCH,
    "prices, and a search where days or ties bind": PROOF_BY_SEARCH,
    "what needs are worth, and the best that each person could take together": PROOF_BY_LOADS,
}
_UNUSED = re.compile(r"(?P<file>.*): columns that are not used: (?P<names>.*)\.")
# Cells of plan.csv, unmet.csv and workload.csv that repeat an input's, by its table and their names there.
_REPEATED: Mapping[str, Mapping[str, str]] = {
    "schools": {"school_name": "name", "local_authority": "local_authority", "phase": "phase"},
    "needs": {"focus": "focus", "priority": "priority", "days": "days"},
    "supporters": {"supporter_name": "name", "designation": "designation"},
}
_KEYS = {"schools": ("urn", "school_urn"), "needs": ("need_id",) * 2, "supporters": ("supporter_id",) * 2}


def with_rules_of_then(inputs: Inputs) -> Inputs:
    """Return the inputs so that trusts are compared by the letters of their names, and federations not at all."""
    schools = inputs.schools
    # Codes take precedence over names, and are compared as they are.
    return replace(inputs, schools=schools.assign(trust_code=schools["trust"], federation=""))


def present_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest of format 1 with its method of proof as a code, blank where it is none of its own methods."""
    return {**manifest, "proof": {**manifest["proof"], "method": _METHODS.get(manifest["proof"]["method"], "")}}


def present_deployments(deployments: pd.DataFrame) -> pd.DataFrame:
    """Return the plan.csv of format 1 with the later columns, blank, in their places."""
    others = [name for name in deployments if name not in PLAN_COLUMNS]
    return deployments.reindex(columns=[*PLAN_COLUMNS, *others], fill_value="").astype("object")


def input_copies(files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> dict[str, Source]:
    """Return the copies of the inputs of format 1 by table, under the names that their notices know them by."""
    paths = {path.split("/")[1].split(".")[0]: path for path in sorted(files) if path.startswith("inputs/")}
    return {
        name: Source(manifest["inputs"].get(name, {}).get("file", path), files[path])
        for name, path in paths.items()
        if name in SOURCES
    }


def is_input_copy(path: str) -> bool:
    """Whether a path is that of a copy of the inputs in format 1."""
    return path.startswith("inputs/") and path.split("/")[1].split(".", maxsplit=1)[0] in SOURCES


def as_read_then(
    inputs: Inputs, sources: Mapping[str, Source], manifest: Mapping[str, Any], tables: Sequence[pd.DataFrame]
) -> tuple[Inputs, list[str]]:
    """Return the inputs as a run of format 1 read them, and a sentence for each cell that is read differently today.

    Parameters
    ----------
    inputs : Inputs
        As they are read from its copies today, in the columns of `INPUT_COLUMNS`.
    sources : mapping of str to Source
        Those copies.
    tables : sequence of DataFrame
        Its tables, which repeat cells of the inputs.
    """
    frames = {"schools": inputs.schools, "supporters": inputs.supporters, "needs": inputs.needs}
    for name, frame in frames.items():
        unread = _unread(manifest, sources.get(name))
        blanks = {str(column): _blank(frame[column]) for column in frame if column in unread}
        frames[name] = frame.assign(**blanks)
    sentences: list[str] = []
    for name, columns in _REPEATED.items():
        differing = list(_differing(frames[name], _KEYS[name], columns, tables))
        if differing and name in sources:
            frames[name] = _with_cells(frames[name], _KEYS[name][0], sources[name], differing, sentences)
    schools, supporters, needs = (frames[name] for name in ("schools", "supporters", "needs"))
    then = replace(inputs, schools=schools, supporters=supporters, needs=needs)
    return with_rules_of_then(then), sentences


def is_same_policy(stated: Mapping[str, Any], used: Mapping[str, Any]) -> bool:
    """Whether a policy of that time is the one used today, but for keys that came later."""
    return {*stated} <= {*used} and all(
        one.items() <= used[section].items() if section == "rules" else one == used[section]
        for section, one in stated.items()
    )


def _unread(manifest: Mapping[str, Any], source: Source | None) -> set[str]:
    """Return the columns of a file that its run did not know, as its notices state them."""
    names: set[str] = set()
    for notice in manifest["notices"]:
        found = _UNUSED.fullmatch(notice)
        if found and source is not None and found["file"] == source.name:
            names |= set(re.findall(r"'([^']*)'", found["names"]))
    return names


def is_about_unused_columns(notice: str, sources: Mapping[str, Source]) -> bool:
    """Whether a notice is about columns of a file that were not used, and the file has them."""
    found = _UNUSED.fullmatch(notice)
    if not found:
        return False
    headers = [_header(source) for source in sources.values() if source.name == found["file"]]
    return any(set(re.findall(r"'([^']*)'", found["names"])) <= header for header in headers)


def _header(source: Source) -> set[str]:
    try:
        return set(read_sheet(source).header)
    except DataError:
        return set()


def _blank(column: pd.Series) -> pd.Series:
    first = next(iter(column.tolist()), "")
    blank: object = () if isinstance(first, tuple) else "" if isinstance(first, str) else float("nan")
    return pd.Series([blank] * len(column), index=column.index, dtype=column.dtype)


def _differing(
    frame: pd.DataFrame, keys: tuple[str, str], columns: Mapping[str, str], tables: Sequence[pd.DataFrame]
) -> Iterator[tuple[str, str, str]]:
    """Each identifier, column and cell of the tables that is not what the input holds."""
    ours, theirs = keys
    for table in tables:
        shared = {one: column for one, column in columns.items() if one in table}
        if theirs not in table:
            continue
        held = frame.drop_duplicates(ours).set_index(ours).reindex(table[theirs])
        for one, column in shared.items():
            for key, cell, value in zip(table[theirs], table[one], held[column], strict=True):
                if not _is_same(cell, value):
                    yield key, column, cell


def _is_same(cell: str, value: object) -> bool:
    if isinstance(value, str):
        return cell.removeprefix("'") == value.removeprefix("'")
    try:
        return float(cell) == float(str(value))
    except ValueError:
        return False


def _with_cells(
    frame: pd.DataFrame, key: str, source: Source, differing: Sequence[tuple[str, str, str]], sentences: list[str]
) -> pd.DataFrame:
    """Put in the cells that the file itself holds in the row of that identifier: they were read differently then."""
    try:
        rows = [set(cells) for _, cells in read_sheet(source).rows()]
    except DataError:
        return frame
    changed = frame.copy()
    for identifier, column, cell in dict.fromkeys(differing):
        at = changed[key] == identifier
        if at.any() and cell and any({identifier, cell} <= cells for cells in rows):
            today = changed.loc[at, column].iat[0]
            changed.loc[at, column] = type(today)(cell) if isinstance(today, float) else cell
            sentences.append(
                f"{source.name}: {column} of {identifier} is read as '{today}' today, and as '{cell}' then."
            )
    return changed
