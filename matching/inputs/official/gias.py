"""The official list of establishments (GIAS) to a schools table, and what was left out of it.

Only the columns named here are read: heads' names and telephone numbers never leave the file.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from matching.errors import DataError, Problem, counted, shown
from matching.inputs.checks.places import far_schools
from matching.inputs.groups import group_keys
from matching.inputs.official.cells import (
    check_columns,
    read_cells,
    spelt_as,
    undecoded_notices,
    unknown_problems,
    unknown_rows,
    urn_problems,
)
from matching.inputs.official.exclusions import MISSING, exclusions, left_out_counts
from matching.inputs.official.grades import GIAS, with_inspections
from matching.inputs.official.links import Links, read_links
from matching.inputs.official.ofsted import Inspections, meaning, read_ofsted
from matching.tables.cell_values import CellError
from matching.tables.files import ANYWHERE, Source, Where, header_of
from matching.tables.formats import INSPECTION_COLUMNS, Column, table_formats
from matching.tables.reference import reference_rows
from matching.tables.sheets import Sheet
from matching.tables.table_reader import Table
from matching.tables.vocabulary import Vocabulary

Cells = pd.DataFrame
"""A GIAS extract as text, one row for each establishment: `row` and the columns of `GIAS_COLUMNS`."""

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
    "trust_code": "Trusts (code)",
    "federation": "Federations (name)",
    "postcode": "Postcode",
    "ofsted": "OfstedRating (name)",
    "pupils": "NumberOfPupils",
    "fsm_percent": "PercentageFSM",
}
# Only some years have these; their absence needs no notice.
PASSING_COLUMNS = {
    "inspected_on": "OfstedLastInsp",
    "ofsted_concern": "OfstedSpecialMeasures (name)",
    "federation_code": "Federations (code)",
}
_DOWNLOAD_AGAIN = "Download 'Establishment fields CSV' from Get Information about Schools again and keep its columns."
GIAS_COLUMNS = REQUIRED_COLUMNS | OPTIONAL_COLUMNS | PASSING_COLUMNS
_TEXTS = ("name", "local_authority", "region", "trust", "federation", "postcode")


@dataclass(frozen=True)
class OfficialSchools:
    """A GIAS extract as a schools table.

    Attributes
    ----------
    table : Table
        As `matching.tables.table_reader.read_table` returns schools, sorted by URN, without problems or notices.
    left_out : DataFrame
        Every other establishment of the extract, sorted by URN: urn, name, reason_code and reason, as
        `matching.inputs.official.exclusions` returns them.
    notices : tuple of str
        What a reader of the plan should know about the extract.
    """

    table: Table
    left_out: pd.DataFrame
    notices: tuple[str, ...]


def establishment_types() -> pd.DataFrame:
    """Return the types of establishment that GIAS knows.

    Returns
    -------
    DataFrame
        By two-digit code: type (the name in GIAS), kind (state or independent for a school, otherwise what it is
        instead) and phase (where it follows from the type; it then takes precedence over the phase in GIAS).

    Notes
    -----
    A special post-16 institution (32) is a college in law (Children and Families Act 2014, section 83), is inspected
    as further education and is not among the special schools in GIAS: like further education (18) it is left out.
    """
    return pd.DataFrame(reference_rows("establishment_types"), dtype="object").set_index("code")


def is_gias(header: Sequence[str]) -> bool:
    """Return whether a header is that of a GIAS extract of establishments.

    Two required columns may be missing, so that `read_gias` can name them; the other official files with URNs
    (links between establishments, Ofsted's management information) share only that column.
    """
    return len(set(header).intersection(REQUIRED_COLUMNS.values())) >= len(REQUIRED_COLUMNS) - 2


def gias_columns(header: Sequence[str]) -> int:
    """Return how many of the columns that are read from a GIAS extract a header has."""
    return len(set(header).intersection(GIAS_COLUMNS.values()))


def is_extract(source: Source, where: Where = ANYWHERE) -> bool:
    """Return whether a file, or the sheet of it that is to be read, is a GIAS extract of establishments."""
    return is_gias(header_of(source, gias_columns, where))


def read_official(
    gias: Source,
    vocabulary: Vocabulary,
    *,
    ofsted: Source | None = None,
    links: Source | None = None,
    where: Mapping[str, Where] | None = None,
) -> OfficialSchools:
    """Read a schools table from official files, as `read_gias`, and report the problems of all of them together.

    Parameters
    ----------
    where : mapping of str to Where, optional
        The place in its file of each of schools, ofsted and links, as far as it is known.

    Raises
    ------
    DataError
    """
    problems: list[Problem] = []
    inspections, found_links, where = None, None, where or {}
    try:
        inspections = read_ofsted(ofsted, where=where.get("ofsted", ANYWHERE)) if ofsted else None
    except DataError as error:
        problems += error.problems
    try:
        found_links = read_links(links, where=where.get("links", ANYWHERE)) if links else None
    except DataError as error:
        problems += error.problems
    try:
        official = read_gias(gias, vocabulary, inspections, found_links, where=where.get("schools", ANYWHERE))
    except DataError as error:
        raise DataError([*problems, *error.problems]) from error
    if problems:
        raise DataError(problems)
    more = (*(found_links.notices if found_links else ()), *far_schools(official.table))
    return replace(official, notices=(*official.notices, *more))


def read_gias(
    source: Source,
    vocabulary: Vocabulary,
    inspections: Inspections | None = None,
    links: Links | None = None,
    *,
    where: Where = ANYWHERE,
    of_earlier_format: bool = False,
) -> OfficialSchools:
    """Read the open schools in England from a GIAS extract.

    Parameters
    ----------
    source : Source
        The extract of establishment fields, as downloaded (cp1252) or saved again (UTF-8 or .xlsx).
    vocabulary : Vocabulary
        The phases and grades that a schools table may hold.
    inspections : Inspections, optional
        Ofsted's grades, which take precedence over those of GIAS.
    links : Links, optional
        Gives a school without a grade that of the one school that it replaced.
    where : Where, optional
        The sheet and the row of the header, where they are known.
    of_earlier_format : bool
        Whether this is a plan's copy of an earlier format.

    Raises
    ------
    DataError
        A required column is missing, there is no row, the URN or name of a school that is kept cannot be used, or the
        file does not hold the value of a required cell of a school that nothing else leaves out.

    Notes
    -----
    A cell in an optional column that cannot be read, or whose value the file does not hold, is left blank and counted
    in a notice. Characters that do not print, such as the no-break space, become spaces.
    """
    wanted = set(GIAS_COLUMNS.values()).__contains__
    sheet = read_cells(source, wanted, gias_columns, where, of_earlier_format=of_earlier_format)
    check_columns(sheet, REQUIRED_COLUMNS.values(), "GIAS extract", _DOWNLOAD_AGAIN)
    if not sheet.numbers:
        raise DataError(sheet.problems)
    found = _interpreted(_cells(sheet), vocabulary)
    reasons = exclusions(found, {name: unknown_rows(sheet, column) for name, column in REQUIRED_COLUMNS.items()})
    is_kept = reasons["reason_code"] == ""
    kept = found[is_kept]
    blank: list[str] = []
    unknown = unknown_problems(sheet, REQUIRED_COLUMNS.values(), blank, set(found.loc[~is_kept, "row"]))
    _check_identity(sheet, kept, unknown)
    left_out = reasons[reasons["reason_code"] != ""].reset_index(drop=True)
    frame, unread = _schools(sheet.name, kept, vocabulary)
    earlier = _grades_in_gias(found, vocabulary)
    frame, graded = with_inspections(sheet.name, frame, earlier, inspections, links)
    missing = _missing_column_notices(sheet, graded_elsewhere=inspections is not None)
    counts = _count_notice(sheet.name, len(frame), left_out)
    garbled = undecoded_notices(sheet.name, {GIAS_COLUMNS.get(name, ""): kept[name] for name in _TEXTS})
    notices = (counts, *sheet.notices, *blank, *garbled, *missing, *unread, *graded)
    return OfficialSchools(Table(sheet.name, frame, (), ()), left_out, notices)


def _cells(sheet: Sheet) -> Cells:
    columns = [list(map(_printable, column)) for column in sheet.columns]
    frame = pd.DataFrame(dict(zip(sheet.header, columns, strict=True)), dtype="object")
    cells = frame.reindex(columns=list(GIAS_COLUMNS.values()), fill_value="").set_axis(list(GIAS_COLUMNS), axis=1)
    return cells.assign(row=pd.Series(sheet.numbers, dtype="object"))


def _printable(cell: str) -> str:
    return cell if cell.isprintable() else "".join(one if one.isprintable() else " " for one in cell)


def _check_identity(sheet: Sheet, kept: Cells, unknown: Sequence[Problem]) -> None:
    """Refuse an extract that cannot name a school; rows that are left out may hold anything, such as shorter URNs."""
    cells = kept.sort_values("row")
    urn_cells = cells["row"].tolist(), cells["urn"].tolist()
    problems = [*sheet.problems, *unknown, *urn_problems(sheet, REQUIRED_COLUMNS["urn"], *urn_cells, unique=True)]
    nameless = (cells["name"] == "") & ~cells["row"].isin(unknown_rows(sheet, REQUIRED_COLUMNS["name"]))
    fix = "Give the name of the establishment, or remove the row."
    problems += [
        Problem(sheet.name, row, REQUIRED_COLUMNS["name"], "", "The cell is blank.", fix)
        for row in cells.loc[nameless, "row"]
    ]
    if problems:
        raise DataError(problems)


def _interpreted(cells: Cells, vocabulary: Vocabulary) -> Cells:
    """Return the extract by URN, with kind, type_name, known_phase, easting_m and northing_m."""
    # A spreadsheet turns the code 01 into 1.
    types = establishment_types().reindex(cells["type"].str.zfill(2), fill_value="").set_axis(cells.index)
    return cells.assign(
        kind=types["kind"],
        type_name=types["type"],
        known_phase=spelt_as(types["phase"].where(types["phase"] != "", cells["phase"]), vocabulary.phases),
        easting_m=pd.to_numeric(cells["easting"], errors="coerce").astype("float64"),
        northing_m=pd.to_numeric(cells["northing"], errors="coerce").astype("float64"),
        federation=_federations(cells["federation"], cells["federation_code"]),
    ).sort_values("urn", ignore_index=True)


def _federations(names: pd.Series, codes: pd.Series) -> pd.Series:
    """Return the federation of each establishment; with its code where federations share a name, or have none."""
    known, coded = ~_is_missing(names), ~_is_missing(codes)
    shared = codes.where(known & coded).groupby(group_keys(names)).transform("nunique") > 1
    named = names.where(known, "Federation")
    federation = named.where(~(coded & (shared | ~known)), named + " (" + codes + ")")
    return federation.where(known | coded, "")


def _is_missing(cells: pd.Series) -> pd.Series:
    return cells.isin([cell for cell in cells.unique() if cell.casefold() in MISSING])


def _schools(table: str, kept: Cells, vocabulary: Vocabulary) -> tuple[pd.DataFrame, list[str]]:
    """Return a schools table as `read_table` does, and a notice for each column with cells that cannot be read."""
    known = {*GIAS_COLUMNS, *INSPECTION_COLUMNS}
    columns = [column for column in table_formats(vocabulary)["schools"].columns if column.name in known]
    frame = kept.assign(phase=kept["known_phase"], easting=kept["easting_m"], northing=kept["northing_m"])
    notices = []
    for column in (column for column in columns if column.name in OPTIONAL_COLUMNS):
        cells = frame[column.name]
        readings = _readings(cells, column)
        unread = frame.loc[~cells.isin(readings), ["urn", column.name]]
        if len(unread):
            notices.append(_unread_notice(table, column.name, unread))
        values = [readings.get(cell, column.blank) for cell in cells]
        frame[column.name] = pd.Series(values, index=cells.index, dtype="object")
    frame["inspected_on"] = frame["inspected_on"].map(lambda cell: meaning(cell, "date") or "")
    frame["ofsted_concern"] = frame["ofsted_concern"].map(lambda cell: meaning(cell, "concern") or "")
    frame = frame.assign(ofsted_date="", ofsted_areas="", ofsted_found=np.where(frame["ofsted"] != "", GIAS, ""))
    ordered = frame[["row", *(column.name for column in columns)]]
    return ordered.astype("object").reset_index(drop=True), notices


def _readings(cells: pd.Series, column: Column) -> dict[str, object]:
    """Return the value of each different cell that can be read, by its text."""
    readings: dict[str, object] = {}
    for cell in cells.unique():
        with suppress(CellError):
            readings[cell] = column.blank if cell.casefold() in MISSING else column.convert(cell)
    return readings


def _unread_notice(table: str, name: str, unread: pd.DataFrame) -> str:
    school, cell = unread.iloc[0]
    return (
        f"{table}: {counted(len(unread), 'cell')} in the column {OPTIONAL_COLUMNS[name]} could not be read, such as "
        f"{shown(cell)} for URN {school}; {name} is left blank there."
    )


def _count_notice(table: str, kept: int, left_out: pd.DataFrame) -> str:
    counts = [f"{count:,} {reason}" for _, reason, count in left_out_counts(left_out).itertuples(index=False)]
    total = kept + len(left_out)
    return (
        f"{table}: {kept:,} of {total:,} establishments are open schools in England with a phase and a location; "
        f"left out: {'; '.join(counts) or 'none'}."
    )


def _missing_column_notices(sheet: Sheet, *, graded_elsewhere: bool) -> list[str]:
    missing = [(name, column) for name, column in OPTIONAL_COLUMNS.items() if column not in sheet.header]
    return [
        f"{sheet.name}: Ofsted grades are not in this extract (no column {column}); ofsted is left blank."
        if name == "ofsted"
        else f"{sheet.name}: there is no column {column} in this extract; {name} is left blank."
        for name, column in missing
        if not (name == "ofsted" and graded_elsewhere)
    ]


def _grades_in_gias(found: Cells, vocabulary: Vocabulary) -> dict[str, str]:
    """Return the grade of every graded establishment in GIAS, open or closed, by URN."""
    by_folded = {grade.casefold(): grade for grade in vocabulary.grades}
    grades = found["ofsted"].str.casefold().map(by_folded).dropna()
    return dict(zip(found.loc[grades.index, "urn"], grades, strict=True))
