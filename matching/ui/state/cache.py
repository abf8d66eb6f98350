"""Results computed from files, cached by digest, so that screens may ask each time.

The tables of a round are cached for every window, so that a refresh does not read them again, and for more rounds than
people have open at the same time. What follows from them is cached for each tab.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date

import pandas as pd
import streamlit as st

from matching.inputs.checks.school_names import NamedSchool, match_names
from matching.inputs.inputs import Inputs
from matching.inputs.kept_tables import Kept
from matching.inputs.locations import COLUMNS, Place, places, sheet_of
from matching.inputs.read import SOURCES, read_inputs, read_schools, with_policy
from matching.inputs.recognise import TableReading, table_readings
from matching.pairs.market import Market, open_market
from matching.plan.as_bytes import excel_bytes, zip_bytes
from matching.plan.on_disk import SavedPlan, as_of_run, read_files
from matching.plan.write import PLAN_FORMAT, Plan
from matching.rounds.planning.run_inputs import RunInputs
from matching.rounds.register import blank_tables, rows_by_key, table_cells
from matching.tables.csv_out import csv_bytes
from matching.tables.files import Source
from matching.ui.state.scheduling import long_work

_Digests = tuple[tuple[str, str, str], ...]
_ROUNDS_KEPT, _KEPT_S = 40, 3_600
_TRIED = "tried_inputs"


def ordered(sources: Mapping[str, Source]) -> dict[str, Source]:
    """Return files in the order in which rounds keep them."""
    return {name: sources[name] for name in SOURCES if name in sources}


def market(sources: Mapping[str, Source], as_at: date | None = None) -> Market:
    """Return who could serve whom under these files.

    Raises
    ------
    DataError
        The files are not sound.
    """
    day = (as_at or date.today()).isoformat()
    tables = {name: source for name, source in sources.items() if name != "policy"}

    def read() -> Inputs:
        return with_policy(_inputs(_digests(tables), day, tables), sources.get("policy"))

    return _market(_digests(sources), day, read)


def market_of_run(run: RunInputs) -> Market:
    """Return the market of a run's inputs, as at today."""
    return _market(_digests(run.sources), date.today().isoformat(), lambda: run.inputs)


@st.cache_resource(scope="session", max_entries=6, show_spinner="Finding who could support whom…")
def _market(digests: _Digests, as_at: str, _read: Callable[[], Inputs]) -> Market:
    inputs = _read()
    with long_work():
        found = open_market(inputs, keep_all_pairs=True)
        # Found here, under the spinner, and not on the first screen that needs them.
        len(found.pairs)
    return found


@st.cache_resource(max_entries=_ROUNDS_KEPT, ttl=_KEPT_S, show_spinner="Reading the tables…")
def _inputs(
    digests: _Digests,
    as_at: str,
    _tables: Mapping[str, Source],
    _columns: Mapping[str, Collection[str]] | None = None,
    *,
    plan_format: int = PLAN_FORMAT,
    _kept: Kept | None = None,
) -> Inputs:
    tried = st.session_state.get(_TRIED)
    if tried and tried[0] == (digests, as_at) and _columns is None:
        read: Inputs = tried[1]
        return read
    with long_work():
        return read_inputs(
            ordered(_tables),
            as_at=date.fromisoformat(as_at),
            columns=_columns,
            may_be_empty=blank_tables(_tables),
            kept=_kept,
        )


def places_of(sources: Mapping[str, Source]) -> tuple[Place, ...]:
    """Return where each table is in its file."""
    return _places(_digests(sources), sources)


@st.cache_resource(scope="session", max_entries=6, show_spinner=False)
def _places(digests: _Digests, _sources: Mapping[str, Source]) -> tuple[Place, ...]:
    return places(_sources)


def readings_of(sources: Mapping[str, Source]) -> tuple[TableReading, ...]:
    """Return how each table is read, column by column."""
    return _readings(_digests(sources), sources)


@st.cache_resource(scope="session", max_entries=6, show_spinner=False)
def _readings(digests: _Digests, _sources: Mapping[str, Source]) -> tuple[TableReading, ...]:
    return table_readings(_sources)


def cells_of(sources: Mapping[str, Source], place: Place) -> Mapping[int, dict[str, str]]:
    """Return the cells of a table as they are in its file, by row number and header.

    Raises
    ------
    DataError
        The file cannot be split into cells.
    """
    # Of the table alone, so that a change of another one does not read it again.
    about = {name: source for name, source in sources.items() if name in (place.table, COLUMNS)}
    return _cells(_digests(about), place.table, about, place)


@st.cache_resource(scope="session", max_entries=6, show_spinner=False)
def _cells(
    digests: _Digests, table: str, _sources: Mapping[str, Source], _place: Place
) -> Mapping[int, dict[str, str]]:
    sheet = sheet_of(_sources, _place)
    return {number: dict(zip(sheet.header, row, strict=True)) for number, row in sheet.rows()}


def inputs_of(sources: Mapping[str, Source], kept: Kept | None = None) -> Inputs:
    """Return the tables of sound files, as at today; `kept` is as in `read_inputs`.

    Raises
    ------
    DataError
        The files are not sound.
    """
    tables = {name: source for name, source in sources.items() if name != "policy"}
    return _inputs(_digests(tables), date.today().isoformat(), tables, _kept=kept)


def tried_inputs(sources: Mapping[str, Source]) -> Inputs:
    """Return the tables with a change that is not saved yet; once it is saved they are not read again.

    They are kept by this tab alone, and only the last ones: what people type and do not save would push the rounds of
    others out of the cache.

    Raises
    ------
    DataError
        The tables would not be sound.
    """
    tables = {name: source for name, source in sources.items() if name != "policy"}
    key = (_digests(tables), date.today().isoformat())
    tried = st.session_state.get(_TRIED)
    if tried is None or tried[0] != key:
        with long_work():
            tried = (key, read_inputs(ordered(tables), may_be_empty=blank_tables(tables)))
        st.session_state[_TRIED] = tried
    found: Inputs = tried[1]
    return found


def rows_of(sources: Mapping[str, Source], table: str) -> Mapping[tuple[str, ...], Mapping[str, str]]:
    """Return the cells of a register table as text, by the cells of their key."""
    about = {name: source for name, source in sources.items() if name in (table, "columns")}
    return _rows(_digests(about), table, about)


@st.cache_resource(scope="session", max_entries=6, show_spinner=False)
def _rows(digests: _Digests, table: str, _sources: Mapping[str, Source]) -> Mapping[tuple[str, ...], Mapping[str, str]]:
    return rows_by_key(table_cells(_sources, table), table)


_ABOUT_SCHOOLS = ("schools", "ofsted", "links", "columns")


def schools_of(sources: Mapping[str, Source]) -> pd.DataFrame:
    """Return the schools in files: the schools table or GIAS extract, with the Ofsted and links files if given.

    Raises
    ------
    DataError
        A file is not sound.
    """
    about = {name: sources[name] for name in _ABOUT_SCHOOLS if name in sources}
    return _schools(_digests(about), about)


@st.cache_resource(max_entries=_ROUNDS_KEPT, ttl=_KEPT_S, show_spinner="Reading the schools…")
def _schools(digests: _Digests, _sources: Mapping[str, Source]) -> pd.DataFrame:
    with long_work():
        others = {name: _sources.get(name) for name in ("ofsted", "links", "columns")}
        return read_schools(_sources["schools"], **others)


def named_schools(sources: Mapping[str, Source], names: Iterable[str]) -> Mapping[str, NamedSchool]:
    """Return what the names of schools mean, by name.

    Raises
    ------
    DataError
        A file is not sound.
    """
    about = {name: sources[name] for name in _ABOUT_SCHOOLS if name in sources}
    return _named_schools(_digests(about), tuple(sorted({*names})), about)


@st.cache_resource(scope="session", max_entries=6, show_spinner=False)
def _named_schools(
    digests: _Digests, names: tuple[str, ...], _sources: Mapping[str, Source]
) -> Mapping[str, NamedSchool]:
    return match_names(names, schools_of(_sources))


def saved_plan(files: Mapping[str, bytes]) -> SavedPlan:
    """Return the plan in a round's files."""
    return _saved_plan(plan_digest(files), files)


@st.cache_resource(max_entries=_ROUNDS_KEPT, ttl=_KEPT_S, show_spinner=False)
def _saved_plan(digest: str, _files: Mapping[str, bytes]) -> SavedPlan:
    with long_work():
        return read_files(_files)


def market_of(saved: SavedPlan) -> Market:
    """Return the market that a plan was made from, as at its day."""
    known = {name: saved.plan.manifest[name] for name in ("inputs", "notices")}
    # The same copies may belong to runs of differently named files.
    digests = (*_digests(saved.sources), ("manifest", "", hashlib.sha256(repr(known).encode()).hexdigest()))
    tables = {name: source for name, source in saved.sources.items() if name != "policy"}
    day = saved.as_at.isoformat()

    def read() -> Inputs:
        inputs = _inputs(_digests(tables), day, tables, saved.columns, plan_format=saved.format)
        return as_of_run(saved, with_policy(inputs, saved.sources.get("policy")))

    return _market(digests, day, read)


def workbook(files: Mapping[str, bytes], plan: Plan, *, with_remarks: bool) -> bytes:
    """Return a plan as one Excel workbook; `files` are those that it is saved in."""
    # The workload of a round has its days logged too, and an approved plan the statuses of today.
    known = hashlib.sha256(csv_bytes(plan.workload) + csv_bytes(plan.deployments[["status"]])).hexdigest()
    return _workbook(f"{plan_digest(files)} {with_remarks} {known}", files, plan)


@st.cache_resource(max_entries=_ROUNDS_KEPT, ttl=_KEPT_S, show_spinner="Writing the Excel workbook…")
def _workbook(digest: str, _files: Mapping[str, bytes], _plan: Plan) -> bytes:
    equity = saved_plan(_files).equity
    with long_work():
        return excel_bytes(_plan, equity=equity)


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return every file of a plan in one zip."""
    return _packed(plan_digest(files), files)


@st.cache_resource(max_entries=_ROUNDS_KEPT, ttl=_KEPT_S, show_spinner=False)
def _packed(digest: str, _files: Mapping[str, bytes]) -> bytes:
    return zip_bytes(_files)


def plan_digest(files: Mapping[str, bytes]) -> str:
    """Return the digest of a plan: that of its manifest, which holds the digest of every other file."""
    return hashlib.sha256(files["manifest.json"]).hexdigest()


def _digests(sources: Mapping[str, Source]) -> _Digests:
    return tuple((name, source.name, source.sha256) for name, source in sorted(sources.items()))
