"""All tables of a run: read, checked one by one and against each other, and put in order.

`Inputs` are sound: every identifier is known, and every decision is about one supporter and one need.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial

import pandas as pd

from matching.errors import DataError, Problem, file_problem
from matching.inputs.checks.decisions import (
    DECISION_COLUMNS,
    for_each_need,
    in_order,
    no_decisions,
    pin_problems,
    rule_problems,
)
from matching.inputs.checks.left_out_rows import without_faulty_rows
from matching.inputs.checks.school_names import with_schools_offered
from matching.inputs.checks.successors import follow_links
from matching.inputs.checks.together import AbsentSchools, check_together, unknown_identifiers
from matching.inputs.headers import Mappings, TableOptions, read_options, with_headers_offered
from matching.inputs.inputs import InputFile, Inputs, no_needs
from matching.inputs.kept_tables import Kept, once
from matching.inputs.locations import options_of, read_under, unread_sheets
from matching.inputs.official.gias import is_extract, read_gias, read_official
from matching.inputs.official.links import NO_LINKS, Links, read_links
from matching.inputs.official.ofsted import read_ofsted
from matching.tables.cell_values import CellError
from matching.tables.contacts import UNREAD_COLUMNS
from matching.tables.files import Source, named_apart
from matching.tables.formats import NEED_STATES, TableFormat, known_columns, table_formats
from matching.tables.policy import Policy, read_policy, without_settings
from matching.tables.table_reader import Table, read_table
from matching.tables.vocabulary import Vocabulary, standard_vocabulary

REQUIRED_TABLES = ("schools", "supporters", "needs")
OPTIONAL_TABLES = ("accreditation", "decisions")
SOURCES = (*REQUIRED_TABLES, *OPTIONAL_TABLES, "policy", "baseline", "ofsted", "links", "columns")
# Files that add to the tables; they are no tables of a run themselves.
_ABOUT_TABLES = ("ofsted", "links", "columns")


@dataclass
class _Reading:
    """What has been read so far, and every problem found on the way."""

    tables: dict[str, Table] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    links: Links = NO_LINKS
    left_out: dict[str, str] = field(default_factory=dict)
    left_out_rows: tuple[str, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def read_inputs(
    sources: Mapping[str, Source],
    *,
    as_at: date | None = None,
    mapping: Mappings | None = None,
    leave_out: bool = False,
    columns: Mapping[str, Collection[str]] | None = None,
    may_be_empty: Collection[str] = (),
    kept: Kept | None = None,
) -> Inputs:
    """Read and check the files of a run.

    Parameters
    ----------
    sources : mapping of str to Source
        By name: schools, supporters and needs, and optionally accreditation, decisions, policy and baseline (the
        plan.csv of an earlier plan). The schools may be a GIAS extract, to which ofsted and links add; columns
        (`matching.inputs.headers`) maps the tables' headers. A file under any other name is ignored.
    as_at : date, optional
        The day of the run; by default today.
    mapping : mapping, optional
        By table: their header to our column, in addition to the columns file. A plan needs the columns file, because
        it is read again from its sources alone.
    leave_out : bool
        Whether to leave out rows whose problems have the severity `leave out`, with a notice; the columns file may
        ask for it too.
    columns : mapping, optional
        By table: the only columns to read, as a run of an earlier format did.
    may_be_empty : collection of str
        The tables that need no row: a round may begin with its schools alone.
    kept : dict, optional
        Empty at first; with the same one, a table whose file has not changed is not read again.

    Raises
    ------
    DataError
        With every problem of every table.
    """
    # In one order, whatever the caller's, so that equal files give equal notices.
    sources = {name: sources[name] for name in SOURCES if name in sources}
    return _inputs(
        sources, _read(sources, REQUIRED_TABLES, mapping or {}, leave_out, columns or {}, may_be_empty, kept), as_at
    )


def read_people(sources: Mapping[str, Source], *, as_at: date | None = None) -> Inputs:
    """Read only the schools, the supporters and their accreditation; the needs are empty.

    Raises
    ------
    DataError
    """
    used = ("schools", "supporters", "accreditation", *_ABOUT_TABLES)
    sources = {name: sources[name] for name in SOURCES if name in sources and name in used}
    return _inputs(sources, _read(sources, ("schools", "supporters"), {}, leave_out=False, columns={}), as_at)


def read_schools(
    source: Source, *, ofsted: Source | None = None, links: Source | None = None, columns: Source | None = None
) -> pd.DataFrame:
    """Read only a schools table: ours, or a GIAS extract to which Ofsted's file and the links file add.

    Parameters
    ----------
    columns : Source, optional
        How the tables are read, as among the sources of a run.

    Raises
    ------
    DataError
    """
    vocabulary = standard_vocabulary()
    said = read_options(columns)
    options = said.of("schools")
    if is_extract(source, options.where):
        official = read_official(source, vocabulary, ofsted=ofsted, links=links, where=said.where_official)
        return _typed(official.table.frame, "schools", vocabulary)
    table = _read_one(source, table_formats(vocabulary)["schools"], options, None, may_be_empty=False)
    if table.problems:
        raise DataError(table.problems)
    return _typed(table.frame, "schools", vocabulary)


def check_additions(
    sources: Mapping[str, Source], additions: Mapping[str, str], *, called: Callable[[str], str] = str
) -> None:
    """Refuse a file that only adds to a GIAS extract, where the schools are none: it would be ignored.

    Parameters
    ----------
    additions : mapping of str to str
        By the name of such a file: that of the schools to which it adds.
    called : callable
        Returns what the user calls a file.

    Raises
    ------
    DataError
    """
    options = options_of(sources)
    problems = [
        file_problem(
            called(name),
            f"{sources[schools].name} is not a GIAS extract, and {sources[name].name} only adds to one.",
            "Remove it, or give the extract.",
        )
        for name, schools in additions.items()
        if name in sources and schools in sources and not is_extract(sources[schools], options.of(schools).where)
    ]
    if problems:
        raise DataError(problems)


def with_policy(inputs: Inputs, source: Source | None) -> Inputs:
    """Return the inputs with another policy (the default one for None).

    Raises
    ------
    DataError
        The policy cannot be used.
    """
    files = {name: file for name, file in inputs.files.items() if name != "policy"}
    if source is None:
        return replace(inputs, policy=Policy(), files=files)
    files["policy"] = InputFile(source.name, _digest_of("policy", source), None)
    return replace(inputs, policy=read_policy(source), files=dict(sorted(files.items())))


def with_decisions(inputs: Inputs, decisions: pd.DataFrame, *, name: str = "decisions") -> Inputs:
    """Return the inputs with these decisions in the place of theirs.

    Parameters
    ----------
    decisions : DataFrame
        One row for each need that a decision is about: kind, supporter_id, need_id, reason, by, on (a date or None),
        and if any pin names rules that it breaks, rules_broken (tuples of `RULE_CODES`). With row where several are of
        one row of a file, about every need of a school; without it each is a row, numbered from 2 as under a header.
    name : str
        What problems call the decisions.

    Returns
    -------
    Inputs
        Without a decisions file among its `files`, since none was read.

    Raises
    ------
    DataError
        A kind, a supporter or a need is unknown, or a pin contradicts another pin, a bar or what the supporter
        offers: the problems that a file with these rows would have.
    """
    has_rows = "row" in decisions
    numbered = (decisions if has_rows else decisions.assign(row=range(2, len(decisions) + 2))).astype("object")
    if "rules_broken" not in numbered:
        numbered["rules_broken"] = [()] * len(numbered)
    table = Table(name, numbered[list(DECISION_COLUMNS)], (), ())
    problems = [
        *_unusable_cells(table, inputs.vocabulary),
        *unknown_identifiers(table, "supporter_id", Table("", inputs.supporters, (), ()), "supporters"),
        *unknown_identifiers(table, "need_id", Table("", inputs.all_needs, (), ()), "needs"),
        *rule_problems(table),
    ]
    if problems:
        raise DataError(problems)
    rows = in_order(table.frame)
    if contradictions := list(pin_problems(name, rows, inputs.supporters, inputs.all_needs)):
        raise DataError(contradictions)
    files = {key: file for key, file in inputs.files.items() if key != "decisions"}
    changed = replace(inputs, decisions=rows, files=files)
    needs, not_open = _open_or_pinned(inputs.all_needs, rows)
    if needs["need_id"].equals(inputs.needs["need_id"]):
        # With the same tables, so that no one has to compare their cells.
        return changed
    return replace(changed, needs=needs, not_open=not_open)


def _open_or_pinned(needs: pd.DataFrame, decisions: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the needs that are open or held by a pin, and the others."""
    pinned = decisions.loc[decisions["kind"] == "pin", "need_id"]
    counts = (needs["state"] == NEED_STATES[0]) | needs["need_id"].isin(pinned)
    if counts.all():
        return needs, needs.iloc[:0]
    return needs[counts].reset_index(drop=True), needs[~counts].reset_index(drop=True)


def _unusable_cells(decisions: Table, vocabulary: Vocabulary) -> Iterator[Problem]:
    columns = {column.name: column for column in table_formats(vocabulary)["decisions"].columns}
    for name in ("kind", "supporter_id", "need_id"):
        for row, cell in zip(decisions.frame["row"], decisions.frame[name], strict=True):
            try:
                if not cell:
                    raise CellError("The cell is blank.", f"Fill it in: {columns[name].meaning}.")
                columns[name].convert(cell)
            except CellError as fault:
                yield fault.problem(decisions.name, row, name, cell)


# ---- the files -----------------------------------------------------------------------------------------------------


def _read(
    sources: Mapping[str, Source],
    required: Iterable[str],
    mapping: Mappings,
    leave_out: bool,
    columns: Mapping[str, Collection[str]],
    may_be_empty: Collection[str] = (),
    kept: Kept | None = None,
) -> _Reading:
    """Return everything that was read, without a problem left in it."""
    vocabulary, reading, sources = standard_vocabulary(), _Reading(), named_apart(sources)
    kept = {} if kept is None else kept
    for name in required:
        if name not in sources:
            fix = f"Give the {name} table; the template shows its columns."
            reading.problems.append(file_problem(name, "This table is missing.", fix))
    try:
        options = read_options(sources.get("columns"))
    except DataError as error:
        raise DataError([*reading.problems, *error.problems]) from error
    said = {name: options.of(name).also(mapping.get(name, {})) for name in SOURCES}
    _read_each(reading, sources, vocabulary, said, columns, may_be_empty, kept)
    if not columns:
        about = {name: source for name, source in sources.items() if name in SOURCES}
        reading.notices += once(kept, "unread sheets", (*about, *about.values()), partial(unread_sheets, about))
    tables, successors, notices = follow_links(reading.tables, reading.links)
    reading.notices += notices
    schools = tables["schools"].frame if "schools" in tables else None
    asked = [tables[name].frame["school_urn"] for name in ("supporters", "needs") if name in tables]
    own = with_schools_offered(reading.problems, schools, {urn for urns in asked for urn in urns.dropna()})
    check = partial(
        check_together,
        absent=AbsentSchools(reading.left_out, successors, reading.links.unfollowed),
        vocabulary=vocabulary,
    )
    left_out_rows: tuple[str, ...] = ()
    if leave_out or options.leave_out:
        tables, problems, notices, left_out_rows = without_faulty_rows(
            tables, own, check, [name for name in REQUIRED_TABLES if name not in may_be_empty]
        )
    else:
        between, notices = check(tables)
        problems = [*own, *between]
    notices = [*reading.notices, *left_out_rows, *notices]
    contacts = [one for one in problems if one.row is not None and one.column in UNREAD_COLUMNS]
    if len(problems) > len(contacts):
        raise DataError(problems, notices)
    return replace(reading, tables=tables, problems=contacts, notices=notices, left_out_rows=left_out_rows)


def _read_each(
    reading: _Reading,
    sources: Mapping[str, Source],
    vocabulary: Vocabulary,
    options: Mapping[str, TableOptions],
    columns: Mapping[str, Collection[str]],
    may_be_empty: Collection[str],
    kept: Kept,
) -> None:
    formats, of_earlier_format = table_formats(vocabulary), bool(columns)
    if "links" in sources:
        try:
            where = options["links"].where
            reading.links = read_links(sources["links"], where=where, of_earlier_format=of_earlier_format)
            reading.notices += reading.links.notices
        except DataError as error:
            reading.problems += error.problems
    for name, source in sources.items():
        try:
            if name == "policy":
                reading.policy = read_policy(source)
            elif name == "schools" and is_extract(source, options[name].where):
                _read_gias(reading, sources, vocabulary, options, kept, of_earlier_format=of_earlier_format)
            elif name not in _ABOUT_TABLES:
                said, blank = options[name], name in may_be_empty
                read = partial(_read_one, source, formats[name], said, columns.get(name), may_be_empty=blank)
                reading.tables[name] = once(kept, name, (source, said, columns.get(name), blank), read)
                if name == "schools" and "ofsted" in sources:
                    reading.notices.append(
                        f"{sources['ofsted'].name}: not used, because the schools are not a GIAS extract."
                    )
        except DataError as error:
            reading.problems += error.problems
    for table in reading.tables.values():
        reading.problems += table.problems
        reading.notices += table.notices


def _read_one(
    source: Source, form: TableFormat, options: TableOptions, columns: Collection[str] | None, *, may_be_empty: bool
) -> Table:
    sheet = read_under(source, known_columns(form, options.mapping), options, form)
    vocabulary = standard_vocabulary()
    try:
        return read_table(sheet, form, vocabulary, options.mapping, columns=columns, may_be_empty=may_be_empty)
    except DataError as error:
        used = form.columns_in(sheet.header, options.mapping)
        header = [used.get(one, one) for one in sheet.header]
        raise DataError(with_headers_offered(error.problems, form.name, header)) from error


def _read_gias(
    reading: _Reading,
    sources: Mapping[str, Source],
    vocabulary: Vocabulary,
    options: Mapping[str, TableOptions],
    kept: Kept,
    *,
    of_earlier_format: bool,
) -> None:
    source, ofsted, inspections = sources["schools"], sources.get("ofsted"), None
    where = {name: options[name].where for name in ("schools", "ofsted", "links")}
    try:
        if ofsted:
            inspections = read_ofsted(ofsted, where=where["ofsted"], of_earlier_format=of_earlier_format)
    except DataError as error:
        reading.problems += error.problems
    links = reading.links if reading.links.rows else None
    about = (source, ofsted, sources.get("links"), tuple(where.values()), of_earlier_format)
    said = partial(read_gias, where=where["schools"], of_earlier_format=of_earlier_format)
    official = once(kept, "schools", about, lambda: said(source, vocabulary, inspections, links))
    reading.tables["schools"] = official.table
    reading.left_out = dict(zip(official.left_out["urn"], official.left_out["reason"], strict=True))
    reading.notices += official.notices


# ---- the inputs ----------------------------------------------------------------------------------------------------


def _inputs(sources: Mapping[str, Source], reading: _Reading, as_at: date | None) -> Inputs:
    vocabulary = standard_vocabulary()
    frames = {name: table.frame for name, table in reading.tables.items()}
    needs = _typed(frames.get("needs", no_needs(vocabulary)), "needs", vocabulary)
    needs["designations"] = [
        given or vocabulary.focuses[focus].accepted_designations
        for given, focus in zip(needs["designations"], needs["focus"], strict=True)
    ]
    typed = {
        name: _typed(frames[name], name, vocabulary)
        for name in ("schools", "supporters", "accreditation", "baseline")
        if name in frames
    }
    decisions = for_each_need(frames["decisions"], needs) if "decisions" in frames else no_decisions()
    name = reading.tables["decisions"].name if "decisions" in frames else ""
    if problems := list(pin_problems(name, decisions, typed["supporters"], needs)):
        raise DataError(problems, reading.notices)
    needs, not_open = _open_or_pinned(needs, decisions)
    notices = list(reading.notices)
    if "accreditation" not in frames:
        notices.append("No accreditation table was given: designations are taken as stated.")
    return Inputs(
        vocabulary=vocabulary,
        schools=typed["schools"],
        supporters=typed["supporters"],
        needs=needs,
        accreditation=typed.get("accreditation"),
        decisions=decisions,
        baseline=typed.get("baseline"),
        policy=reading.policy,
        files={
            name: InputFile(source.name, _digest_of(name, source), len(frames[name]) if name in frames else None)
            for name, source in sorted(sources.items())
        },
        notices=tuple(notices),
        as_at=as_at or date.today(),
        left_out=reading.left_out_rows,
        not_open=not_open,
        unusable_contacts=tuple(reading.problems),
    )


def _digest_of(name: str, source: Source) -> str:
    """Return the digest of a file; of a policy without the settings of a round, which no run reads."""
    return (without_settings(source) if name == "policy" else source).sha256


def _typed(frame: pd.DataFrame, name: str, vocabulary: Vocabulary) -> pd.DataFrame:
    """Return a table sorted by its key, with numbers as numbers."""
    form = table_formats(vocabulary)[name]
    typed = frame.sort_values(list(form.key), ignore_index=True)
    typed = typed.fillna({column: "" for column in UNREAD_COLUMNS if column in typed})
    numeric = {
        column.name: column.dtype if column.dtype != "object" else "float64"
        for column in form.columns
        if column.name in typed and (column.dtype != "object" or isinstance(column.blank, float))
    }
    return typed.astype(numeric)
