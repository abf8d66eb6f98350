"""The official list of establishments (GIAS) to a schools table, with who was left out of it and why.

Of each row only the columns named here are kept: heads' names and telephone numbers never leave the file. What the
schools table may hold is the business of `tables`.
"""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import pandas as pd

from matching.errors import DataError, Problem, shown
from matching.files import Sheet, Source, read_sheet
from matching.grid import ENGLAND_EASTING_M, ENGLAND_NORTHING_M
from matching.tables import CellError, Column, Table, table_formats, urn
from matching.vocabulary import Vocabulary

Cells = pd.DataFrame
"""A GIAS extract as text, one row an establishment: `row` and the columns of `GIAS_COLUMNS`."""

REQUIRED_COLUMNS = {
    "urn": "URN",
    "name": "EstablishmentName",
    "type": "TypeOfEstablishment (code)",
    "status": "EstablishmentStatus (name)",
    "phase": "PhaseOfEducation (name)",
    "easting": "Easting",
    "northing": "Northing",
}
OPTIONAL_COLUMNS = {
    "closed_on": "CloseDate",
    "local_authority": "LA (name)",
    "region": "GOR (name)",
    "trust": "Trusts (name)",
    "postcode": "Postcode",
    "ofsted": "OfstedRating (name)",
    "pupils": "NumberOfPupils",
    "fsm_percent": "PercentageFSM",
}
GIAS_COLUMNS = REQUIRED_COLUMNS | OPTIONAL_COLUMNS

REASONS = {
    "closed": "closed",
    "proposed": "proposed, not yet open",
    "other_status": "neither open nor closed in GIAS",
    "not_in_england": "not in England",
    "not_a_school": "not a school",
    "unknown_type": "of a type that this version does not know",
    "no_phase": "without a phase of education in GIAS",
    "no_place": "without a place in England in GIAS",
}
"""Why an establishment is left out, by code, in the order in which the reasons are looked for."""


@dataclass(frozen=True)
class OfficialSchools:
    """A GIAS extract as a schools table.

    Attributes
    ----------
    table : Table
        As `matching.tables.read_table` gives schools, sorted by URN; it has no problems and no notices of its own.
    left_out : DataFrame
        Every other establishment of the extract, sorted by URN: urn, name, reason_code (of `REASONS`) and reason,
        which completes a sentence that begins with the name.
    notices : tuple of str
        What a reader of the plan has to know of the extract.
    """

    table: Table
    left_out: pd.DataFrame
    notices: tuple[str, ...]


def establishment_types() -> pd.DataFrame:
    """Return the types of establishment that GIAS knows.

    Returns
    -------
    DataFrame
        By two-digit code: type (the name in GIAS), kind (state or independent for a school, and otherwise what it is
        instead) and phase (where it follows from the type; it then goes before the phase that GIAS gives).

    Notes
    -----
    A special post-16 institution (32) is a college in law (Children and Families Act 2014, section 83), is inspected
    as further education and is not among the special schools in GIAS: like further education (18) it is left out.
    """
    text = files("matching").joinpath("reference", "establishment_types.csv").read_text(encoding="utf-8")
    return pd.read_csv(io.StringIO(text), dtype="object", keep_default_na=False).set_index("code")


def is_gias(header: Sequence[str]) -> bool:
    """Whether a header is that of a GIAS extract of establishments.

    Two required columns may be missing, so that `read_gias` can name them; the other official files with URNs
    (links between establishments, Ofsted's management information) share only that column.
    """
    return len(set(header).intersection(REQUIRED_COLUMNS.values())) >= len(REQUIRED_COLUMNS) - 2


def read_gias(source: Source, vocabulary: Vocabulary) -> OfficialSchools:
    """Read the open schools in England from a GIAS extract.

    Parameters
    ----------
    source : Source
        The extract of establishment fields, as downloaded (cp1252) or saved again (UTF-8 or .xlsx).
    vocabulary : Vocabulary
        The phases and grades that a schools table may hold.

    Returns
    -------
    OfficialSchools

    Raises
    ------
    DataError
        A required column is missing, there is no row, or a URN or a name cannot be used.

    Notes
    -----
    A cell in an optional column that cannot be read is left blank and counted in a notice. Characters that do not
    print, such as the no-break space, become spaces.
    """
    sheet = read_sheet(source, encodings=("utf-8-sig", "cp1252"), wanted=set(GIAS_COLUMNS.values()).__contains__)
    _check_header(sheet)
    cells = _cells(sheet)
    _check_identity(sheet, cells)
    found = _interpreted(cells, vocabulary)
    reasons = _reasons(found)
    kept = found[reasons["reason_code"] == ""]
    left_out = reasons[reasons["reason_code"] != ""].reset_index(drop=True)
    frame, strange = _schools(sheet.name, kept, vocabulary)
    notices = (_count_notice(sheet.name, len(frame), left_out), *_missing_column_notices(sheet), *strange)
    return OfficialSchools(Table(sheet.name, frame, (), ()), left_out, notices)


def left_out_counts(left_out: pd.DataFrame) -> pd.DataFrame:
    """Count the establishments left out by reason.

    Parameters
    ----------
    left_out : DataFrame
        As in `OfficialSchools`.

    Returns
    -------
    DataFrame
        reason_code, reason (in general words) and count, for the reasons that occur, in the order of `REASONS`.
    """
    counts = left_out["reason_code"].value_counts()
    rows = [(code, words, int(counts[code])) for code, words in REASONS.items() if code in counts.index]
    return pd.DataFrame(rows, columns=["reason_code", "reason", "count"])


# Words that stand for a blank in official files, in small letters.
_MISSING = {"", "null", "not applicable", "not judged", "c", "z", "supp"}
_OPEN = ("Open", "Open, but proposed to close")
_CLOSED = "Closed"
_PROPOSED = "Proposed to open"
_WALES = "Wales (pseudo)"
_SCHOOL_KINDS = ("state", "independent")
_ELSEWHERE = "not in England"


def _check_header(sheet: Sheet) -> None:
    fix = "Download 'Establishment fields CSV' from Get Information about Schools again and keep its columns."
    missing = [
        Problem(sheet.name, 1, column, "", "The column is missing from this GIAS extract.", fix)
        for column in REQUIRED_COLUMNS.values()
        if column not in sheet.header
    ]
    if missing:
        raise DataError(missing)
    if not sheet.rows and not sheet.problems:
        raise DataError([Problem(sheet.name, None, "", "", "There is a header and no row under it.", fix)])


def _cells(sheet: Sheet) -> Cells:
    rows = [row if "".join(row).isprintable() else tuple(map(_printable, row)) for _, row in sheet.rows]
    frame = pd.DataFrame(rows, columns=list(sheet.header), dtype="object")
    cells = frame.reindex(columns=list(GIAS_COLUMNS.values()), fill_value="").set_axis(list(GIAS_COLUMNS), axis=1)
    return cells.assign(row=pd.Series([number for number, _ in sheet.rows], dtype="object"))


def _printable(cell: str) -> str:
    return "".join(character if character.isprintable() else " " for character in cell)


def _check_identity(sheet: Sheet, cells: Cells) -> None:
    problems = [*sheet.problems, *_urn_problems(sheet.name, cells)]
    fix = "Give the name of the establishment, or take the row out."
    problems += [
        Problem(sheet.name, row, REQUIRED_COLUMNS["name"], "", "The cell is blank.", fix)
        for row in cells.loc[cells["name"] == "", "row"]
    ]
    if problems:
        raise DataError(problems)


def _urn_problems(table: str, cells: Cells) -> Iterator[Problem]:
    column = REQUIRED_COLUMNS["urn"]
    well_formed = cells["urn"].str.fullmatch("[0-9]{6}")
    for row, value in cells.loc[~well_formed, ["row", "urn"]].itertuples(index=False):
        try:
            urn(value)
        except CellError as fault:
            yield Problem(table, row, column, value, fault.message, fault.fix)
    same = cells.loc[well_formed & cells["urn"].duplicated(keep=False), ["row", "urn"]]
    first_row = same.groupby("urn")["row"].transform("first")
    for row, value, earlier in same.assign(first=first_row)[same["urn"].duplicated()].itertuples(index=False):
        message = f"{shown(value)} is already in row {earlier}."
        yield Problem(table, row, column, value, message, "Keep one of the two rows.")


def _interpreted(cells: Cells, vocabulary: Vocabulary) -> Cells:
    """Sort by URN and add what the cells mean: kind, type_name, known_phase, easting_m and northing_m."""
    # A spreadsheet turns the code 01 into 1.
    types = establishment_types().reindex(cells["type"].str.zfill(2), fill_value="").set_axis(cells.index)
    return cells.assign(
        kind=types["kind"],
        type_name=types["type"],
        known_phase=_known(types["phase"].where(types["phase"] != "", cells["phase"]), vocabulary.phases),
        easting_m=pd.to_numeric(cells["easting"], errors="coerce").astype("float64"),
        northing_m=pd.to_numeric(cells["northing"], errors="coerce").astype("float64"),
    ).sort_values("urn", ignore_index=True)


def _known(words: pd.Series, vocabulary: Sequence[str]) -> pd.Series:
    """Each word as the vocabulary spells it; blank where it is not there."""
    by_folded = {_folded(word): word for word in vocabulary}
    return words.map({word: by_folded.get(_folded(word), "") for word in words.unique()})


def _folded(word: str) -> str:
    """A word for comparison; hyphens do not count, because older extracts have 'All through'."""
    return " ".join(word.replace("-", " ").casefold().split())


def _reasons(found: Cells) -> pd.DataFrame:
    """Urn, name, reason_code and reason of every establishment; the last two are blank where it is a school to keep."""
    rules = list(_rules(found))
    masks = [mask for _, mask, _ in rules]
    return found[["urn", "name"]].assign(
        reason_code=np.select(masks, [code for code, _, _ in rules], ""),
        reason=np.select(masks, [reason for _, _, reason in rules], ""),
    )


def _rules(found: Cells) -> Iterator[tuple[str, pd.Series, pd.Series | str]]:
    """Each code of `REASONS` in order, with the establishments that it holds for and the reason in words."""
    status = _known(found["status"], (*_OPEN, _CLOSED, _PROPOSED))
    in_wales = _known(found["region"], (_WALES,)) != ""
    place = "easting '" + found["easting"] + "' and northing '" + found["northing"] + "'"
    in_box = found["easting_m"].between(*ENGLAND_EASTING_M) & found["northing_m"].between(*ENGLAND_NORTHING_M)
    closed = found["closed_on"].map({day: _closed(day) for day in found["closed_on"].unique()})
    unplaced = _missing(found["easting"]) & _missing(found["northing"])

    yield "closed", status == _CLOSED, closed
    yield "proposed", status == _PROPOSED, "is proposed and not yet open"
    yield "other_status", ~status.isin(_OPEN), "has the status '" + found["status"] + "' in GIAS"
    yield "not_in_england", in_wales, "is in Wales according to its region in GIAS"
    yield "not_in_england", found["kind"] == _ELSEWHERE, "is not in England (" + found["type_name"] + ")"
    yield "unknown_type", found["kind"] == "", "is of type '" + found["type"] + "', which this version does not know"
    yield "not_a_school", ~found["kind"].isin(_SCHOOL_KINDS), "is not a school (" + found["kind"] + ")"
    yield "no_phase", found["known_phase"] == "", "has no phase of education in GIAS ('" + found["phase"] + "')"
    yield "no_place", unplaced, "has no easting and northing in GIAS"
    yield "no_place", ~in_box, "has " + place + " in GIAS, which is no place in England"


def _closed(closed_on: str) -> str:
    """The reason for a closed establishment; GIAS writes 31-08-2021, and a spreadsheet may make it 2021-08-31."""
    if closed_on.casefold() in _MISSING:
        return "closed on a day that GIAS does not give"
    return "closed on " + re.sub(r"^([0-9]{4})-([0-9]{2})-([0-9]{2})$", r"\3-\2-\1", closed_on).replace("-", "/")


def _missing(cells: pd.Series) -> pd.Series:
    """Where a cell is blank or holds a word that stands for a blank."""
    return cells.str.casefold().isin(_MISSING)


def _schools(table: str, kept: Cells, vocabulary: Vocabulary) -> tuple[pd.DataFrame, list[str]]:
    """The frame that `matching.tables.read_table` would give, and a notice for each column with strange cells."""
    columns = [column for column in table_formats(vocabulary)["schools"].columns if column.name in GIAS_COLUMNS]
    frame = kept.assign(phase=kept["known_phase"], easting=kept["easting_m"], northing=kept["northing_m"])
    notices = []
    for column in (column for column in columns if column.name in OPTIONAL_COLUMNS):
        cells = frame[column.name]
        readings = _readings(cells, column)
        strange = frame.loc[~cells.isin(readings), ["urn", column.name]]
        if len(strange):
            notices.append(_strange_notice(table, column.name, strange))
        values = [readings.get(cell, column.blank) for cell in cells]
        frame[column.name] = pd.Series(values, index=cells.index, dtype="object")
    ordered = frame[["row", *(column.name for column in columns)]]
    return ordered.astype("object").reset_index(drop=True), notices


def _readings(cells: pd.Series, column: Column) -> dict[str, object]:
    """The value of each different cell that can be read, by its text."""
    readings: dict[str, object] = {}
    for cell in cells.unique():
        with suppress(CellError):
            readings[cell] = column.blank if cell.casefold() in _MISSING else column.convert(cell)
    return readings


def _strange_notice(table: str, name: str, strange: pd.DataFrame) -> str:
    school, cell = strange.iloc[0]
    cells = "1 cell" if len(strange) == 1 else f"{len(strange):,} cells"
    return (
        f"{table}: {cells} in the column {OPTIONAL_COLUMNS[name]} could not be read, such as {shown(cell)} "
        f"for URN {school}; {name} is left blank there."
    )


def _count_notice(table: str, kept: int, left_out: pd.DataFrame) -> str:
    counts = [f"{count:,} {reason}" for _, reason, count in left_out_counts(left_out).itertuples(index=False)]
    total = kept + len(left_out)
    return (
        f"{table}: {kept:,} of {total:,} establishments are open schools in England with a phase and a place; "
        f"left out: {'; '.join(counts) or 'none'}."
    )


def _missing_column_notices(sheet: Sheet) -> list[str]:
    missing = [(name, column) for name, column in OPTIONAL_COLUMNS.items() if column not in sheet.header]
    return [
        f"{sheet.name}: Ofsted grades are not in this extract (no column {column}); ofsted is left blank."
        if name == "ofsted"
        else f"{sheet.name}: there is no column {column} in this extract; {name} is left blank."
        for name, column in missing
    ]
