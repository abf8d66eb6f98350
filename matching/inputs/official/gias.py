"""The official list of establishments (GIAS) to a schools table, with who was left out of it and why.

Of each row only the columns named here are kept: heads' names and telephone numbers never leave the file. Inspections
and links are read by `ofsted` and `links`; whose grade a school has is decided here. What the schools table may hold is
the business of `tables`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from matching.errors import DataError, Problem, counted, shown
from matching.inputs.official.links import Links, read_links
from matching.inputs.official.ofsted import Inspections, meaning, read_ofsted
from matching.tables.cell_values import CellError, urn
from matching.tables.files import Source, read_sheet
from matching.tables.formats import INSPECTION_COLUMNS, Column, table_formats
from matching.tables.grid import ENGLAND_EASTING_M, ENGLAND_NORTHING_M
from matching.tables.reference import reference_rows
from matching.tables.sheets import Sheet
from matching.tables.table_reader import Table
from matching.tables.vocabulary import Vocabulary

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
# Some years have them and some do not, and nobody misses them: no notice tells of it.
PASSING_COLUMNS = {
    "inspected_on": "OfstedLastInsp",
    "ofsted_concern": "OfstedSpecialMeasures (name)",
}
GIAS_COLUMNS = REQUIRED_COLUMNS | OPTIONAL_COLUMNS | PASSING_COLUMNS

REASONS = {
    "closed": "closed",
    "proposed": "proposed, not yet open",
    "other_status": "neither open nor closed in GIAS",
    "not_in_england": "not in England",
    "not_a_school": "not a school",
    "unknown_type": "of a type that this version does not know",
    "no_phase": "without a phase of education in GIAS",
    "no_place": "without a place in England in GIAS",
    "wrong_place": "at a place in GIAS that is far from its postcode",
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
    return pd.DataFrame(reference_rows("establishment_types"), dtype="object").set_index("code")


def is_gias(header: Sequence[str]) -> bool:
    """Whether a header is that of a GIAS extract of establishments.

    Two required columns may be missing, so that `read_gias` can name them; the other official files with URNs
    (links between establishments, Ofsted's management information) share only that column.
    """
    return len(set(header).intersection(REQUIRED_COLUMNS.values())) >= len(REQUIRED_COLUMNS) - 2


def gias_columns(header: Sequence[str]) -> int:
    """How many of the columns that are read of a GIAS extract a header has."""
    return len(set(header).intersection(GIAS_COLUMNS.values()))


def read_official(
    gias: Source, vocabulary: Vocabulary, *, ofsted: Source | None = None, links: Source | None = None
) -> OfficialSchools:
    """Read a schools table from official files; as `read_gias`, with every problem of all of them at once.

    Raises
    ------
    DataError
    """
    problems: list[Problem] = []
    inspections, ties = None, None
    try:
        inspections = read_ofsted(ofsted) if ofsted else None
    except DataError as error:
        problems += error.problems
    try:
        ties = read_links(links) if links else None
    except DataError as error:
        problems += error.problems
    try:
        official = read_gias(gias, vocabulary, inspections, ties)
    except DataError as error:
        raise DataError([*problems, *error.problems]) from error
    if problems:
        raise DataError(problems)
    return replace(official, notices=(*official.notices, *(ties.notices if ties else ())))


def read_gias(
    source: Source,
    vocabulary: Vocabulary,
    inspections: Inspections | None = None,
    links: Links | None = None,
) -> OfficialSchools:
    """Read the open schools in England from a GIAS extract.

    Parameters
    ----------
    source : Source
        The extract of establishment fields, as downloaded (cp1252) or saved again (UTF-8 or .xlsx).
    vocabulary : Vocabulary
        The phases and grades that a schools table may hold.
    inspections : Inspections, optional
        Ofsted's grades, which go before those of GIAS.
    links : Links, optional
        Through which a school without a grade has that of the one school that it took the place of.

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
    sheet = read_sheet(
        source,
        encodings=("utf-8-sig", "cp1252"),
        wanted=set(GIAS_COLUMNS.values()).__contains__,
        recognise=gias_columns,
    )
    _check_header(sheet)
    cells = _cells(sheet)
    _check_identity(sheet, cells)
    found = _interpreted(cells, vocabulary)
    reasons = _reasons(found)
    kept = found[reasons["reason_code"] == ""]
    left_out = reasons[reasons["reason_code"] != ""].reset_index(drop=True)
    frame, strange = _schools(sheet.name, kept, vocabulary)
    earlier = _grades_in_gias(found, vocabulary)
    frame, graded = _with_inspections(sheet.name, frame, earlier, inspections, links)
    missing = _missing_column_notices(sheet, graded_elsewhere=inspections is not None)
    counts = _count_notice(sheet.name, len(frame), left_out)
    notices = (counts, *sheet.notices, *missing, *strange, *graded)
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
    if not sheet.numbers and not sheet.problems:
        raise DataError([Problem(sheet.name, None, "", "", "There is no row under the header.", fix)])


def _cells(sheet: Sheet) -> Cells:
    columns = [list(map(_printable, column)) for column in sheet.columns]
    frame = pd.DataFrame(dict(zip(sheet.header, columns, strict=True)), dtype="object")
    cells = frame.reindex(columns=list(GIAS_COLUMNS.values()), fill_value="").set_axis(list(GIAS_COLUMNS), axis=1)
    return cells.assign(row=pd.Series(sheet.numbers, dtype="object"))


def _printable(cell: str) -> str:
    return cell if cell.isprintable() else "".join(one if one.isprintable() else " " for one in cell)


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
    # Neighbours are only asked for where nothing else is wrong.
    sound = ~pd.concat([mask for _, mask, _ in rules], axis=1).any(axis=1)
    rules.append(("wrong_place", *_far_from_postcode(found, sound)))
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


# How far from the middle of its postcode sector's schools a place is looked at, and is wrong whatever else there is.
_FAR_KM, _TOO_FAR_KM = 5.0, 30.0
_FEWEST_NEIGHBOURS = 3
# A place is another town's where this many schools stand nearer than a third of the way to one of its own postcode.
_OTHERS_AROUND, _CROWDED = 20, 3.0


def _far_from_postcode(found: Cells, sound: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Which schools stand far from the others of their postcode, and the reason in words.

    Notes
    -----
    In thinly peopled country a school may well be 15 km from the others of its postcode sector. So beyond 5 km from
    their middle it is left out only where the schools around it are another town's: the nearest of its own postcode
    district is over 5 km away, and 20 others stand within a third of that. Beyond 30 km it is left out in any case.
    """
    places = found[["easting_m", "northing_m"]].to_numpy() / 1000
    postcode = found["postcode"].str.upper().str.replace(" ", "", regex=False)
    placed = found["easting_m"].between(*ENGLAND_EASTING_M) & found["northing_m"].between(*ENGLAND_NORTHING_M)
    written = postcode.str.fullmatch("[A-Z]{1,2}[0-9][0-9A-Z]?[0-9][A-Z]{2}") & placed
    sector_km = _from_the_middle(places, postcode.str[:-2].where(written, ""))
    district = postcode.str[:-3].where(written, "")
    apart_km = sector_km.where(sector_km.notna(), _from_the_middle(places, district))
    far = (apart_km > _TOO_FAR_KM) & sound
    doubtful = np.flatnonzero((apart_km > _FAR_KM) & sound & ~far)
    if len(doubtful):
        far.iloc[doubtful] = _among_others(places, district, np.flatnonzero(written), doubtful)
    reason = (
        "stands " + apart_km.map("{:.0f}".format) + " km from the other schools of its postcode " + found["postcode"]
    )
    return far, reason


def _from_the_middle(places: NDArray[np.float64], area: pd.Series) -> pd.Series:
    """How far each place is from the median place of its area, in km; nan where there are too few others."""
    cells = pd.DataFrame(places, index=area.index, columns=["east", "north"])[area != ""]
    known = cells.groupby(area[area != ""])
    # With itself among them, which a median of four does not mind.
    enough = known["east"].transform("size") > _FEWEST_NEIGHBOURS
    apart = cells - known[["east", "north"]].transform("median")
    return pd.Series(np.hypot(*apart.to_numpy().T), index=cells.index).where(enough).reindex(area.index)


def _among_others(
    places: NDArray[np.float64], district: pd.Series, known: NDArray[np.intp], doubtful: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Whether each doubtful place is nearer to many schools of other districts than to any of its own."""
    crowd = min(_OTHERS_AROUND + 1, len(known))
    around_km = np.asarray(cKDTree(places[known]).query(places[doubtful], k=[crowd])[0])[:, 0]
    members = {
        code: known[position] for code, position in district.iloc[known].groupby(district.iloc[known]).indices.items()
    }
    own_km = np.empty(len(doubtful))
    for place, one in enumerate(doubtful):
        others = members[district.iloc[one]]
        others = others[others != one]
        own_km[place] = np.hypot(*(places[others] - places[one]).T).min() if len(others) else np.inf
    return (own_km > _FAR_KM) & (own_km > _CROWDED * around_km) & (crowd > _OTHERS_AROUND)


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
    known = {*GIAS_COLUMNS, *INSPECTION_COLUMNS}
    columns = [column for column in table_formats(vocabulary)["schools"].columns if column.name in known]
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
    frame["inspected_on"] = frame["inspected_on"].map(lambda cell: meaning(cell, "date") or "")
    frame["ofsted_concern"] = frame["ofsted_concern"].map(lambda cell: meaning(cell, "concern") or "")
    frame = frame.assign(ofsted_date="", ofsted_areas="", ofsted_found=np.where(frame["ofsted"] != "", "GIAS", ""))
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
    """The grade that GIAS gives of every establishment that has one, open or closed."""
    by_folded = {grade.casefold(): grade for grade in vocabulary.grades}
    grades = found["ofsted"].str.casefold().map(by_folded).dropna()
    return dict(zip(found.loc[grades.index, "urn"], grades, strict=True))


def _with_inspections(
    name: str,
    frame: pd.DataFrame,
    in_gias: Mapping[str, str],
    inspections: Inspections | None,
    links: Links | None,
) -> tuple[pd.DataFrame, list[str]]:
    """The schools with what inspectors last found: under their own URN, or under that of the one school before."""
    notices: list[str] = []
    graded: dict[str, tuple[str, str, str]] = {urn: (grade, "", "GIAS") for urn, grade in in_gias.items()}
    if inspections is not None:
        notices += inspections.notices
        frame = _with_ofsted(frame, inspections.frame)
        notices += _told_ofsted(name, frame, in_gias, inspections.frame)
        of_ofsted = inspections.frame[inspections.frame["grade"] != ""]
        graded |= {
            urn: (grade, day, "Ofsted")
            for urn, grade, day in of_ofsted[["urn", "grade", "graded_on"]].itertuples(index=False)
        }
    if links is None:
        return frame, notices
    bare = frame.loc[frame["ofsted"] == "", "urn"]
    before = pd.Series([links.predecessors(urn, graded) for urn in bare], index=bare.index, dtype="object")
    if before.empty:
        return frame, notices
    single = before[before.map(len) == 1].map(lambda urns: urns[0])
    for place, field in enumerate(("ofsted", "ofsted_date")):
        frame.loc[single.index, field] = single.map(lambda urn, place=place: graded[urn][place])
    frame.loc[single.index, "ofsted_found"] = single.map(lambda urn: f"{graded[urn][2]}, inherited from {urn}")
    several = int((before.map(len) > 1).sum())
    if len(single):
        verb, pronoun = ("has", "it") if len(single) == 1 else ("have", "they")
        notices.append(
            f"{name}: {counted(len(single), 'school')} {verb} the grade of the school that {pronoun} took the place of "
            "(ofsted_found names its URN)."
        )
    if several:
        verb = "has no grade of its own" if several == 1 else "have no grade of their own"
        notices.append(f"{name}: {counted(several, 'school')} {verb} and several graded predecessors; left blank.")
    return frame, notices


def _with_ofsted(frame: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """The schools with what Ofsted's own file says, which goes before what GIAS says of the same."""
    own = found.reindex(frame["urn"], fill_value="").set_axis(frame.index)
    graded = own["grade"] != ""
    told = "Ofsted, inherited from " + own["urn_then"]
    source = told.where((own["urn_then"] != "") & (own["urn_then"] != frame["urn"]), "Ofsted")
    return frame.assign(
        ofsted=own["grade"].where(graded, frame["ofsted"]),
        ofsted_date=own["graded_on"],
        ofsted_concern=own["concern"].where(own["urn"] != "", frame["ofsted_concern"]),
        ofsted_areas=own["areas"],
        inspected_on=own["inspected_on"].where(own["inspected_on"] != "", frame["inspected_on"]),
        ofsted_found=source.where(graded, frame["ofsted_found"]),
    )


def _told_ofsted(name: str, frame: pd.DataFrame, in_gias: Mapping[str, str], found: pd.DataFrame) -> list[str]:
    here = int(frame["urn"].isin(found.index).sum())
    notices = [
        f"{name}: {here:,} of {counted(len(frame), 'school')} are in the Ofsted file; {len(found) - here:,} of its "
        "rows are of schools that are not in the table."
    ]
    gias_says = pd.Series([in_gias.get(urn, "") for urn in frame["urn"]], index=frame.index, dtype="object")
    others = int(((gias_says != "") & (gias_says != frame["ofsted"])).sum())
    if others:
        verb = "has" if others == 1 else "have"
        notices.append(
            f"{name}: {counted(others, 'school')} {verb} another grade in GIAS than in the Ofsted file, which decides."
        )
    return notices
