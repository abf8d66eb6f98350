"""All tables of a run together: read, checked one by one and against each other, and put in order.

From here on the data is sound: every identifier is known, every decision names one supporter and one need.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import pandas as pd

from matching.errors import LEAVE_OUT, DataError, Problem, at_most, counted, did_you_mean, shown
from matching.inputs.gias import gias_columns, is_gias, read_gias, read_official
from matching.inputs.headers import Mappings, read_options
from matching.inputs.links import NO_LINKS, Links, read_links
from matching.inputs.ofsted import read_ofsted
from matching.inputs.school_names import SchoolNames
from matching.tables.files import Source, header_of, read_sheet
from matching.tables.formats import known_columns, table_formats
from matching.tables.policy import Policy, read_policy
from matching.tables.table_reader import Table, read_table
from matching.tables.vocabulary import Vocabulary, standard_vocabulary

REQUIRED_TABLES = ("schools", "supporters", "needs")
OPTIONAL_TABLES = ("accreditation", "decisions")
SOURCES = (*REQUIRED_TABLES, *OPTIONAL_TABLES, "policy", "baseline", "ofsted", "links", "columns")
# Files that say more of the tables; they are no tables of a run themselves.
_ABOUT_TABLES = ("ofsted", "links", "columns")

# A long list of unknown identifiers is a wrong file, not a slip of the keyboard: no use in guessing at each.
_MOST_SUGGESTIONS = 50


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
        By supporter_id; columns of the supporters table. `phases`, `specialisms` and `conflicts` hold tuples;
        `days_available` and `max_distance_km` are infinite where the cell was blank.
    needs : DataFrame
        By need_id; columns of the needs table. `designations` holds the accepted ones, filled from the focus
        where the cell was blank.
    accreditation : DataFrame or None
        By supporter_id and criterion; None where no file was given.
    decisions : DataFrame
        By need_id, supporter_id and kind: one row for each need that a decision is about.
    baseline : DataFrame or None
        By need_id: need_id and supporter_id of an earlier plan's deployments; None in a first run.
    policy : Policy
    files : mapping of str to InputFile
    notices : tuple of str
        What a reader of the plan should know about its inputs.
    as_at : date
        The day on which evidence is judged to be due for review.
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


@dataclass
class _Reading:
    """What has been read so far, and every problem met on the way."""

    tables: dict[str, Table] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    left_out: dict[str, str] = field(default_factory=dict)
    links: Links = NO_LINKS
    successors: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def read_inputs(
    sources: Mapping[str, Source],
    *,
    as_at: date | None = None,
    mapping: Mappings | None = None,
    leave_out: bool = False,
) -> Inputs:
    """Read and check the files of a run.

    Parameters
    ----------
    sources : mapping of str to Source
        By name: schools, supporters and needs, and where there are any accreditation, decisions, policy and
        baseline (the plan.csv of an earlier plan). The schools may be a GIAS extract, of which ofsted and links say
        more; columns (`matching.columns`) says how the tables are read. A file under any other name is none of them
        and is not looked at.
    as_at : date, optional
        The day of the run; today where it is not given.
    mapping : mapping, optional
        By table: their header to our column; besides what the columns file says. What is read with it cannot be read
        again from the sources alone: a plan needs the columns file.
    leave_out : bool
        Whether rows whose problems have the severity `leave out` are left out, each told in a notice; as the columns
        file may say too.

    Raises
    ------
    DataError
        With every problem of every table.
    """
    vocabulary = standard_vocabulary()
    # In one order, whatever the caller's, so that equal files give equal notices.
    sources = {name: sources[name] for name in SOURCES if name in sources}
    reading = _sound(sources, vocabulary, REQUIRED_TABLES, mapping or {}, leave_out)
    frames = {name: table.frame for name, table in reading.tables.items()}
    return _inputs(sources, vocabulary, reading, frames, as_at)


def read_people(sources: Mapping[str, Source], *, as_at: date | None = None) -> Inputs:
    """Read the schools, the supporters and their accreditation alone; there are then no needs.

    Raises
    ------
    DataError
    """
    vocabulary = standard_vocabulary()
    about = ("schools", "supporters", "accreditation", *_ABOUT_TABLES)
    sources = {name: sources[name] for name in SOURCES if name in sources and name in about}
    reading = _sound(sources, vocabulary, ("schools", "supporters"), {}, leave_out=False)
    frames = {name: table.frame for name, table in reading.tables.items()}
    columns = ["row", *table_formats(vocabulary)["needs"].column_names]
    frames["needs"] = pd.DataFrame(columns=columns, dtype="object")
    return _inputs(sources, vocabulary, reading, frames, as_at)


def _inputs(
    sources: Mapping[str, Source],
    vocabulary: Vocabulary,
    reading: _Reading,
    frames: Mapping[str, pd.DataFrame],
    as_at: date | None,
) -> Inputs:
    needs = _typed(frames["needs"], "needs", vocabulary)
    needs["designations"] = [
        given or vocabulary.focuses[focus].accepted_designations
        for given, focus in zip(needs["designations"], needs["focus"], strict=True)
    ]
    decisions = _for_each_need(frames["decisions"], needs) if "decisions" in frames else _no_decisions()
    if problems := list(_pin_problems(reading, needs, decisions)):
        raise DataError(problems)
    notices = list(reading.notices)
    if "accreditation" not in frames:
        notices.append("No accreditation table was given: designations are taken as stated.")
    return Inputs(
        vocabulary=vocabulary,
        schools=_typed(frames["schools"], "schools", vocabulary),
        supporters=_typed(frames["supporters"], "supporters", vocabulary),
        needs=needs,
        accreditation=_typed(frames["accreditation"], "accreditation", vocabulary)
        if "accreditation" in frames
        else None,
        decisions=decisions,
        baseline=_typed(frames["baseline"], "baseline", vocabulary) if "baseline" in frames else None,
        policy=reading.policy,
        files={
            name: InputFile(source.name, source.sha256, len(frames[name]) if name in frames else None)
            for name, source in sorted(sources.items())
        },
        notices=tuple(notices),
        as_at=as_at or date.today(),
    )


def with_policy(inputs: Inputs, source: Source | None) -> Inputs:
    """The same tables under another policy (the default one for None), without reading them again.

    Raises
    ------
    DataError
        The policy cannot be used.
    """
    files = {name: file for name, file in inputs.files.items() if name != "policy"}
    if source is None:
        return replace(inputs, policy=Policy(), files=files)
    files["policy"] = InputFile(source.name, source.sha256, None)
    return replace(inputs, policy=read_policy(source), files=dict(sorted(files.items())))


def read_schools(source: Source, *, ofsted: Source | None = None, links: Source | None = None) -> pd.DataFrame:
    """Read a schools table alone, ours or a GIAS extract, of which Ofsted's and the links file say more.

    Raises
    ------
    DataError
    """
    vocabulary = standard_vocabulary()
    if is_gias(header_of(source, gias_columns)):
        official = read_official(source, vocabulary, ofsted=ofsted, links=links)
        return _typed(official.table.frame, "schools", vocabulary)
    form = table_formats(vocabulary)["schools"]
    table = read_table(read_sheet(source, recognise=known_columns(form)), form, vocabulary)
    if table.problems:
        raise DataError(table.problems)
    return _typed(table.frame, "schools", vocabulary)


def _sound(
    sources: Mapping[str, Source],
    vocabulary: Vocabulary,
    required: Iterable[str],
    mapping: Mappings,
    leave_out: bool,
) -> _Reading:
    """Everything read, with nothing wrong in it any more."""
    reading = _Reading()
    for name in required:
        if name not in sources:
            fix = f"Give the {name} table; the template shows its columns."
            reading.problems.append(Problem(name, None, "", "", "This table is missing.", fix))
    try:
        options = read_options(sources.get("columns"))
    except DataError as error:
        raise DataError([*reading.problems, *error.problems]) from error
    mappings = {name: {**options.mappings.get(name, {}), **mapping.get(name, {})} for name in SOURCES}
    _read_each(reading, sources, vocabulary, mappings)
    _follow_links(reading)
    _offer_schools(reading)
    problems, notices = _against_each_other(reading)
    if leave_out or options.leave_out:
        problems, notices = _without_faulty_rows(reading, problems, notices)
    if reading.problems or problems:
        raise DataError([*reading.problems, *problems], [*reading.notices, *notices])
    reading.notices += notices
    return reading


def _read_each(reading: _Reading, sources: Mapping[str, Source], vocabulary: Vocabulary, mappings: Mappings) -> None:
    formats = table_formats(vocabulary)
    if "links" in sources:
        try:
            reading.links = read_links(sources["links"])
            reading.notices += reading.links.notices
        except DataError as error:
            reading.problems += error.problems
    for name, source in sources.items():
        try:
            if name == "policy":
                reading.policy = read_policy(source)
            elif name == "schools" and is_gias(header_of(source, gias_columns)):
                _read_gias(reading, source, sources.get("ofsted"), vocabulary)
            elif name not in _ABOUT_TABLES:
                recognise = known_columns(formats[name], mappings[name])
                sheet = read_sheet(source, recognise=recognise)
                reading.tables[name] = read_table(sheet, formats[name], vocabulary, mappings[name])
                if name == "schools" and "ofsted" in sources:
                    reading.notices.append(
                        f"{sources['ofsted'].name}: not used, because the schools are not a GIAS extract."
                    )
        except DataError as error:
            reading.problems += error.problems
    for table in reading.tables.values():
        reading.problems += table.problems
        reading.notices += table.notices


def _read_gias(reading: _Reading, source: Source, ofsted: Source | None, vocabulary: Vocabulary) -> None:
    inspections = None
    try:
        inspections = read_ofsted(ofsted) if ofsted else None
    except DataError as error:
        reading.problems += error.problems
    official = read_gias(source, vocabulary, inspections, reading.links if reading.links.rows else None)
    reading.tables["schools"] = official.table
    reading.left_out = dict(zip(official.left_out["urn"], official.left_out["reason"], strict=True))
    reading.notices += official.notices


def _follow_links(reading: _Reading) -> None:
    """Put the URN of the one successor in the place of an old one, which a notice tells."""
    if "schools" not in reading.tables or not reading.links.rows:
        return
    schools = reading.tables["schools"].frame
    known = dict(zip(schools["urn"], schools["name"], strict=True))
    for name in ("supporters", "needs", "decisions"):
        if name in reading.tables:
            table = reading.tables[name]
            frame, told = _with_successors(table, known, reading)
            reading.tables[name] = replace(table, frame=frame)
            reading.notices += told


def _with_successors(table: Table, known: Mapping[str, str], reading: _Reading) -> tuple[pd.DataFrame, list[str]]:
    frame = table.frame
    old = [urn for urn in frame["school_urn"].dropna().unique() if urn and urn not in known]
    reading.successors |= {urn: reading.links.successors(urn, known) for urn in old}
    taken = {urn: reading.successors[urn][0] for urn in old if len(reading.successors[urn]) == 1}
    notices = []
    if taken:
        frame = frame.assign(school_urn=frame["school_urn"].replace(taken))
        pairs = [f"{urn} as {new} ({known[new]})" for urn, new in sorted(taken.items())]
        notices.append(
            f"{table.name}: old URNs are read as those of the schools that took their place "
            f"({counted(len(taken), 'URN')}): {_first_ten(pairs)}."
        )
    if "conflicts" in frame:
        # A conflict protects somebody: it holds for every school that an old one went into.
        also = {
            urn: reading.links.successors(urn, known)
            for urns in frame["conflicts"].dropna()
            for urn in urns
            if urn not in known
        }
        also = {urn: after for urn, after in also.items() if after}
        if also:
            wider = [
                urns and tuple(sorted({one for urn in urns for one in also.get(urn, (urn,))}))
                for urns in frame["conflicts"]
            ]
            frame = frame.assign(conflicts=pd.Series(wider, index=frame.index, dtype="object"))
            pairs = [f"{urn} as {' and '.join(after)}" for urn, after in sorted(also.items())]
            notices.append(f"{table.name}: conflicts with old URNs hold for their successors: {_first_ten(pairs)}.")
    return frame, notices


def _offer_schools(reading: _Reading) -> None:
    """Offer the school that may be meant where its name stands in the place of a URN."""
    named = [
        place
        for place, problem in enumerate(reading.problems)
        if problem.column == "school_urn" and any(character.isalpha() for character in problem.value)
    ]
    if not named or "schools" not in reading.tables:
        return
    schools = reading.tables["schools"].frame[["urn", "name"]].dropna()
    names = SchoolNames(schools.itertuples(index=False, name=None))
    for place in named[:_MOST_SUGGESTIONS]:
        problem = reading.problems[place]
        match = names.closest(problem.value)
        if match:
            agree = f"The names agree to {100 * match.score:.0f}%. Give the URN of the school."
            if match.alike > 1:
                agree = f"{match.alike} schools are named like it: give the URN of the right one."
            fix = f"Did you mean '{match.urn}' ({match.name})? {agree}"
            reading.problems[place] = replace(problem, fix=fix)


def _without_faulty_rows(
    reading: _Reading, problems: list[Problem], notices: list[str]
) -> tuple[list[Problem], list[str]]:
    """Leave out every row that may be, until nothing more is wrong because of one that went; each is told."""
    total = {name: len(_rows_of(table)) for name, table in reading.tables.items()}
    went: dict[str, dict[int, str]] = {name: {} for name in reading.tables}
    gone: set[str] = set()
    while faulty := [one for one in (*reading.problems, *problems) if one.severity == LEAVE_OUT]:
        reading.problems = [one for one in reading.problems if one.severity != LEAVE_OUT]
        for name, table in reading.tables.items():
            for one in faulty:
                if one.table == table.name and one.row is not None:
                    went[name].setdefault(one.row, one.column or "cells")
            gone |= _leave_out(reading, name, set(went[name]))
        _leave_out_decisions(reading, gone, went)
        problems, notices = _against_each_other(reading)
    for name in REQUIRED_TABLES:
        if name in reading.tables and reading.tables[name].frame.empty:
            message = f"Every row of the {name} table would be left out."
            problems.append(Problem(reading.tables[name].name, None, "", "", message, "Mend at least one."))
    told = [
        f"{reading.tables[name].name}: {counted(len(rows), 'row')} of {total[name]:,} left out on request, "
        f"{len(reading.tables[name].frame):,} used: "
        f"{_first_ten([f'row {row} ({column})' for row, column in sorted(rows.items())])}."
        for name, rows in went.items()
        if rows
    ]
    return problems, [*told, *notices]


def _rows_of(table: Table) -> set[int]:
    return {*table.frame["row"], *(one.row for one in table.problems if one.row is not None)}


def _leave_out(reading: _Reading, name: str, rows: set[int]) -> set[str]:
    """Take rows out of a table; the identifiers that went with them."""
    table = reading.tables[name]
    leaving = table.frame["row"].isin(rows)
    key = {"schools": "urn", "supporters": "supporter_id", "needs": "need_id"}.get(name)
    gone = set(table.frame.loc[leaving, key].dropna()) if key else set()
    kept = table.frame[~leaving].reset_index(drop=True)
    gone = (gone | table.misfit_cells if key else gone) - (set(kept[key]) if key else set())
    reading.tables[name] = replace(table, frame=kept, misfit_cells=frozenset())
    return gone - {""}


def _leave_out_decisions(reading: _Reading, gone: set[str], went: dict[str, dict[int, str]]) -> None:
    """Decisions about nobody but who was left out go with them; any other fault in a decision stops the run."""
    if "decisions" not in reading.tables:
        return
    frame = reading.tables["decisions"].frame
    for column in ("supporter_id", "need_id", "school_urn"):
        for row in frame.loc[frame[column].isin(gone), "row"]:
            went["decisions"].setdefault(row, column)
    _leave_out(reading, "decisions", set(went["decisions"]))


def _typed(frame: pd.DataFrame, name: str, vocabulary: Vocabulary) -> pd.DataFrame:
    form = table_formats(vocabulary)[name]
    typed = frame.sort_values(list(form.key), ignore_index=True)
    numeric = {
        column.name: column.dtype if column.dtype != "object" else "float64"
        for column in form.columns
        if column.name in typed and (column.dtype != "object" or isinstance(column.blank, float))
    }
    return typed.astype(numeric)


def _no_decisions() -> pd.DataFrame:
    return pd.DataFrame(
        columns=["row", "kind", "supporter_id", "need_id", "school_urn", "reason", "by", "on"], dtype="object"
    )


def _against_each_other(reading: _Reading) -> tuple[list[Problem], list[str]]:
    """What is wrong between the tables, and what is to be told of it."""
    tables, problems, notices = reading.tables, list[Problem](), list[str]()
    known = {
        name: set(tables[name].frame[key].dropna())
        for name, key in (("schools", "urn"), ("supporters", "supporter_id"), ("needs", "need_id"))
        if name in tables
    }
    links = (
        ("supporters", "school_urn", "schools"),
        ("needs", "school_urn", "schools"),
        ("decisions", "school_urn", "schools"),
        ("accreditation", "supporter_id", "supporters"),
        ("decisions", "supporter_id", "supporters"),
        ("decisions", "need_id", "needs"),
    )
    for name, column, target in links:
        if name in tables and target in known:
            known_or_misfit = known[target] | tables[target].misfit_cells
            problems += at_most(_unknown(tables[name], column, target, known_or_misfit, reading))
    if "supporters" in tables:
        problems += _people_without_specialism(tables["supporters"])
    if "supporters" in tables and "schools" in tables:
        notices += _idle_conflicts(tables["supporters"], known["schools"])
    if "decisions" in tables and "needs" in tables:
        problems += _decision_problems(tables["decisions"], tables["needs"], known.get("schools"))
    if "needs" in tables:
        problems += at_most(_scattered_packages(tables["needs"]))
    if "baseline" in tables and {"needs", "supporters"} <= set(tables):
        notices += _gone_since(tables["baseline"], known["needs"], known["supporters"])
    if "accreditation" in tables and "supporters" in tables:
        notices += _other_designation(tables["accreditation"], tables["supporters"])
    may_go = {tables[name].name for name in ("supporters", "needs", "accreditation") if name in tables}
    told = [
        replace(one, severity=LEAVE_OUT) if one.table in may_go and one.row is not None else one for one in problems
    ]
    return told, notices


def _unknown(table: Table, column: str, target: str, known: set[str], reading: _Reading) -> Iterator[Problem]:
    unknown = set(table.frame[column]) - known - {None, ""}
    if not unknown:
        return
    suggest = len(unknown) <= _MOST_SUGGESTIONS
    for row, value in table.frame.loc[table.frame[column].isin(unknown), ["row", column]].itertuples(index=False):
        if target == "schools":
            left_out = reading.left_out.get(value)
            message = (
                f"School {value} is in the schools file, but {left_out}."
                if left_out
                else f"School {value} is not in the schools table."
            )
            fix = _successor_fix(value, reading)
        else:
            message = f"{shown(value)} is not in the {target} table."
            otherwise = f"Check it against the {target} table."
            fix = did_you_mean(value, known, otherwise) if suggest and len(known) <= 5000 else otherwise
        yield Problem(table.name, row, column, value, message, fix)


def _successor_fix(urn: str, reading: _Reading) -> str:
    candidates = reading.successors.get(urn, ())
    if not candidates:
        return "Check the URN, or give the URN of the school that took its place."
    schools = reading.tables["schools"].frame
    names = dict(zip(schools["urn"], schools["name"], strict=True))
    listed = _first_ten([f"{one} ({names[one]})" for one in candidates])
    return f"Several schools took its place; give the URN of one: {listed}."


def _people_without_specialism(table: Table) -> Iterator[Problem]:
    general = {code for focus in standard_vocabulary().focuses.values() for code in focus.fit_designations}
    frame = table.frame
    bare = frame[(frame["specialisms"] == ()) & frame["designation"].notna() & ~frame["designation"].isin(general)]
    for row, designation in bare[["row", "designation"]].itertuples(index=False):
        message = f"An {designation} needs at least one specialism."
        yield Problem(table.name, row, "specialisms", "", message, "Give their specialisms, separated by ';'.")


def _scattered_packages(needs: Table) -> Iterator[Problem]:
    """Packages with needs of several schools; each is told at the needs that are not of its first one's school."""
    frame = needs.frame[["row", "package", "school_urn"]]
    packed = frame[(frame["package"].fillna("") != "") & frame["school_urn"].notna()].sort_values("row")
    first = packed.groupby("package")["school_urn"].transform("first")
    for row, package, urn in packed[packed["school_urn"] != first].itertuples(index=False):
        message = f"Package {shown(package)} is a team for one school, and this need is of another one ({urn})."
        yield Problem(needs.name, row, "package", package, message, "Give each school's package a word of its own.")


def _decision_problems(decisions: Table, needs: Table, schools: set[str] | None) -> Iterator[Problem]:
    school_of = dict(zip(needs.frame["need_id"], needs.frame["school_urn"], strict=True))
    asking = set(school_of.values()) | needs.misfit_cells
    columns = ["row", "need_id", "school_urn"]
    for row, need_id, school_urn in decisions.frame[columns].itertuples(index=False):
        if need_id == "" and school_urn == "":
            message, fix = "The decision names neither a need nor a school.", "Give need_id or school_urn."
            yield Problem(decisions.name, row, "need_id", "", message, fix)
        elif need_id == "" and school_urn and school_urn not in asking:
            if schools is not None and school_urn not in schools:
                continue  # a school that is not in its table has been told already
            message, fix = f"School {school_urn} has no need in this round.", "Check the URN, or remove the row."
            yield Problem(decisions.name, row, "school_urn", school_urn, message, fix)
        elif need_id and school_urn and need_id in school_of and school_of[need_id] != school_urn:
            message = f"Need {need_id} is of school {school_of[need_id]}, not {school_urn}."
            yield Problem(decisions.name, row, "school_urn", school_urn, message, "Correct one of them.")


def _other_designation(accreditation: Table, supporters: Table) -> list[str]:
    designation_of = dict(zip(supporters.frame["supporter_id"], supporters.frame["designation"], strict=True))
    criteria = standard_vocabulary().criteria
    rows = [
        str(row)
        for row, supporter_id, criterion in accreditation.frame[["row", "supporter_id", "criterion"]].itertuples(
            index=False
        )
        if criterion and designation_of.get(supporter_id) not in (None, criteria[criterion].designation)
    ]
    if not rows:
        return []
    return [
        f"{accreditation.name}: evidence for a designation that the person does not hold is not used "
        f"({counted(len(rows), 'row')}: {_first_ten(rows)})."
    ]


def _idle_conflicts(supporters: Table, schools: set[str]) -> list[str]:
    """The notice of conflicts with schools that nobody can be sent to: harmless, unless a digit is wrong."""
    declared = {urn for urns in supporters.frame["conflicts"] for urn in urns or ()}
    unknown = sorted(declared - schools)
    if not unknown:
        return []
    return [
        f"{supporters.name}: conflicts with schools that are not in the schools table have no effect "
        f"({counted(len(unknown), 'URN')}: {_first_ten(unknown)})."
    ]


def _first_ten(words: list[str]) -> str:
    return ", ".join(words[:10]) + (", …" if len(words) > 10 else "")


def _gone_since(baseline: Table, needs: set[str], supporters: set[str]) -> list[str]:
    frame = baseline.frame
    gone = frame[~(frame["need_id"].isin(needs) & frame["supporter_id"].isin(supporters))]
    if gone.empty:
        return []
    return [f"The earlier plan has {counted(len(gone), 'deployment')} whose need or supporter is not in the tables."]


def _for_each_need(decisions: pd.DataFrame, needs: pd.DataFrame) -> pd.DataFrame:
    named = decisions[decisions["need_id"] != ""]
    of_school = decisions[decisions["need_id"] == ""].drop(columns="need_id")
    spread = of_school.merge(needs[["need_id", "school_urn"]], on="school_urn")
    both = pd.concat([named, spread[named.columns]], ignore_index=True)
    return both.drop(columns="school_urn").sort_values(
        ["need_id", "supporter_id", "kind", "reason", "by"], ignore_index=True
    )


def _pin_problems(reading: _Reading, needs: pd.DataFrame, decisions: pd.DataFrame) -> Iterator[Problem]:
    if "decisions" not in reading.tables:
        return
    name = reading.tables["decisions"].name
    pins = decisions[decisions["kind"] == "pin"].drop_duplicates(["need_id", "supporter_id"])
    barred = decisions[decisions["kind"] != "pin"].drop_duplicates(["need_id", "supporter_id"])
    for need_id, rows in pins.groupby("need_id"):
        if len(rows) > 1:
            message = f"Need {need_id} is pinned to {_listed(rows['supporter_id'])}, and a need takes one supporter."
            yield Problem(name, min(rows["row"]), "need_id", str(need_id), message, "Keep one of the pins.")
    clash = pins.merge(barred, on=["need_id", "supporter_id"], suffixes=("", "_barred"))
    for row, need_id, supporter_id, kind, row_barred in clash[
        ["row", "need_id", "supporter_id", "kind_barred", "row_barred"]
    ].itertuples(index=False):
        word = "forbidden" if kind == "forbid" else "declined"
        message = f"{supporter_id} is pinned to need {need_id} and also {word} for it in row {row_barred}."
        yield Problem(name, row, "kind", "pin", message, "Remove one of the two decisions.")
    yield from _overfull_pins(name, pins, reading.tables["supporters"].frame, needs)


def _overfull_pins(name: str, pins: pd.DataFrame, supporters: pd.DataFrame, needs: pd.DataFrame) -> Iterator[Problem]:
    joined = pins.merge(needs[["need_id", "days"]], on="need_id").merge(
        supporters[["supporter_id", "max_deployments", "days_available"]], on="supporter_id"
    )
    for supporter_id, rows in joined.groupby("supporter_id"):
        places, days = rows["max_deployments"].iloc[0], rows["days_available"].iloc[0]
        first_row, fix = min(rows["row"]), "Remove a pin, or change what the supporter offers."
        if len(rows) > places:
            message = f"{supporter_id} is pinned to {counted(len(rows), 'need')} and has places for {places:,}."
            yield Problem(name, first_row, "supporter_id", str(supporter_id), message, fix)
        if np.rint(100 * rows["days"].sum()) > np.rint(100 * days):
            asked = _in_days(rows["days"].sum())
            message = f"{supporter_id} is pinned to needs of {asked} together and has {_in_days(days)}."
            yield Problem(name, first_row, "supporter_id", str(supporter_id), message, fix)


def _in_days(days: float) -> str:
    written = f"{days:,.2f}".rstrip("0").rstrip(".")
    return f"{written} {'day' if written == '1' else 'days'}"


def _listed(words: Iterable[str]) -> str:
    *most, last = list(words)
    return f"{', '.join(most)} and {last}" if most else last
