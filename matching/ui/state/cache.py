"""What is worked out of files, kept by their digest, so that screens may ask each time.

What a round is read into is kept for every window, so that a refresh need not read it again, and for more rounds than
people have open at once, or each would push out the others'. What follows from it is kept for each tab.
"""

import hashlib
from collections.abc import Mapping
from datetime import date

import pandas as pd
import streamlit as st

from matching.inputs.locations import Place, places, sheet_of
from matching.inputs.read import SOURCES, Inputs, read_inputs, read_schools, with_policy
from matching.inputs.recognise import UnknownHeader, unknown_headers
from matching.pairs.market import Market, open_market
from matching.plan.as_bytes import excel_bytes, zip_bytes
from matching.plan.on_disk import SavedPlan, as_of_run, read_files
from matching.tables.files import Source
from matching.ui.state.scheduling import long_work

_Digests = tuple[tuple[str, str, str], ...]
_ROUNDS_KEPT, _KEPT_S = 40, 3_600


def ordered(sources: Mapping[str, Source]) -> dict[str, Source]:
    """Files in the order in which they are always kept."""
    return {name: sources[name] for name in SOURCES if name in sources}


def market(sources: Mapping[str, Source], as_at: date | None = None) -> Market:
    """Who could serve whom under these files.

    Raises
    ------
    DataError
        The files are not sound.
    """
    return _market(_digests(sources), (as_at or date.today()).isoformat(), sources)


@st.cache_resource(scope="session", max_entries=6, show_spinner="Finding who could support whom…")
def _market(digests: _Digests, as_at: str, _sources: Mapping[str, Source]) -> Market:
    tables = {name: source for name, source in _sources.items() if name != "policy"}
    inputs = with_policy(_inputs(_digests(tables), as_at, tables), _sources.get("policy"))
    with long_work():
        found = open_market(inputs)
        # Found here, under the spinner, and not when a screen first asks.
        len(found.pairs)
    return found


@st.cache_resource(max_entries=_ROUNDS_KEPT, ttl=_KEPT_S, show_spinner="Reading the tables…")
def _inputs(digests: _Digests, as_at: str, _tables: Mapping[str, Source]) -> Inputs:
    with long_work():
        return read_inputs(ordered(_tables), as_at=date.fromisoformat(as_at))


def places_of(sources: Mapping[str, Source]) -> tuple[Place, ...]:
    """Where each table stands in its file."""
    return _places(_digests(sources), sources)


@st.cache_resource(scope="session", max_entries=6, show_spinner=False)
def _places(digests: _Digests, _sources: Mapping[str, Source]) -> tuple[Place, ...]:
    return places(_sources)


def unknown_headers_of(sources: Mapping[str, Source]) -> tuple[UnknownHeader, ...]:
    """The tables whose columns have to be named before they can be read."""
    return _unknown_headers(_digests(sources), sources)


@st.cache_resource(scope="session", max_entries=6, show_spinner=False)
def _unknown_headers(digests: _Digests, _sources: Mapping[str, Source]) -> tuple[UnknownHeader, ...]:
    return unknown_headers(_sources)


def cells_of(sources: Mapping[str, Source], place: Place) -> Mapping[int, dict[str, str]]:
    """The cells of a table as they stand in its file, by row and by the header there.

    Raises
    ------
    DataError
        The file cannot be split into cells.
    """
    return _cells(_digests(sources), place.table, sources, place)


@st.cache_resource(scope="session", max_entries=3, show_spinner=False)
def _cells(
    digests: _Digests, table: str, _sources: Mapping[str, Source], _place: Place
) -> Mapping[int, dict[str, str]]:
    sheet = sheet_of(_sources, _place)
    return {number: dict(zip(sheet.header, row, strict=True)) for number, row in sheet.rows()}


def inputs_of(sources: Mapping[str, Source]) -> Inputs:
    """The tables of sound files, as at today.

    Raises
    ------
    DataError
        The files are not sound.
    """
    tables = {name: source for name, source in sources.items() if name != "policy"}
    return _inputs(_digests(tables), date.today().isoformat(), tables)


def schools_of(sources: Mapping[str, Source]) -> pd.DataFrame:
    """The schools of some files: the schools table or GIAS extract, with Ofsted's and the links file where given.

    Raises
    ------
    DataError
    """
    about = {name: sources[name] for name in ("schools", "ofsted", "links") if name in sources}
    return _schools(_digests(about), about)


@st.cache_resource(max_entries=_ROUNDS_KEPT, ttl=_KEPT_S, show_spinner="Reading the schools…")
def _schools(digests: _Digests, _sources: Mapping[str, Source]) -> pd.DataFrame:
    with long_work():
        return read_schools(_sources["schools"], ofsted=_sources.get("ofsted"), links=_sources.get("links"))


def saved_plan(files: Mapping[str, bytes]) -> SavedPlan:
    """The plan in a round's files."""
    return _saved_plan(plan_digest(files), files)


@st.cache_resource(max_entries=_ROUNDS_KEPT, ttl=_KEPT_S, show_spinner=False)
def _saved_plan(digest: str, _files: Mapping[str, bytes]) -> SavedPlan:
    with long_work():
        return read_files(_files)


def market_of(saved: SavedPlan) -> Market:
    """The market that a plan was made from, as at its day."""
    known = {name: saved.plan.manifest[name] for name in ("inputs", "notices")}
    return _market_of(_digests(saved.sources), saved.as_at.isoformat(), repr(known), saved)


@st.cache_resource(scope="session", max_entries=6, show_spinner="Finding who could support whom…")
def _market_of(digests: _Digests, as_at: str, known: str, _saved: SavedPlan) -> Market:
    tables = {name: source for name, source in _saved.sources.items() if name != "policy"}
    inputs = with_policy(_inputs(_digests(tables), as_at, tables), _saved.sources.get("policy"))
    with long_work():
        found = open_market(as_of_run(_saved, inputs))
        len(found.pairs)
    return found


def workbook(files: Mapping[str, bytes]) -> bytes:
    """A plan as one Excel workbook."""
    return _workbook(plan_digest(files), files)


@st.cache_resource(max_entries=_ROUNDS_KEPT, ttl=_KEPT_S, show_spinner="Writing the Excel workbook…")
def _workbook(digest: str, _files: Mapping[str, bytes]) -> bytes:
    saved = saved_plan(_files)
    with long_work():
        return excel_bytes(saved.plan, equity=saved.equity)


def packed(files: Mapping[str, bytes]) -> bytes:
    """Every file of a plan as one zip."""
    return _packed(plan_digest(files), files)


@st.cache_resource(max_entries=_ROUNDS_KEPT, ttl=_KEPT_S, show_spinner=False)
def _packed(digest: str, _files: Mapping[str, bytes]) -> bytes:
    return zip_bytes(_files)


def plan_digest(files: Mapping[str, bytes]) -> str:
    """What tells one plan from another: its manifest names the digest of every other file."""
    return hashlib.sha256(files["manifest.json"]).hexdigest()


def _digests(sources: Mapping[str, Source]) -> _Digests:
    return tuple((name, source.name, source.sha256) for name, source in sorted(sources.items()))
