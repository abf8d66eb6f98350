"""Newer tables: how they differ from the round's, what that touches, and which rows of them are accepted."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st

from matching.errors import DataError, counted, listed
from matching.inputs.inputs import Inputs
from matching.rounds.history.events import HELD, Event, RowChange
from matching.rounds.history.table import what_happened
from matching.rounds.newer_table import Difference, Key, newer_table, schools_difference, taken_back
from matching.rounds.register import change_problem, with_changes
from matching.rounds.round import Round
from matching.rounds.touches import Touched
from matching.tables.csv_out import csv_bytes
from matching.tables.files import Source
from matching.ui.formatting import frames, markup
from matching.ui.sections.confirmation import confirm, show_recorded
from matching.ui.sections.reading.kept import offer_kept_uploads
from matching.ui.sections.reading.problems import offer_corrected
from matching.ui.sections.register.opened import OpenedRegister, opened_register
from matching.ui.sections.register.saving import outcome, show_touched, touched_by
from matching.ui.state import attempts, cache, decisions, open_round
from matching.ui.state.attempts import Proposal
from matching.ui.state.person import who
from matching.ui.steps import CHECK, NEWER, PLAN, START
from matching.ui.widgets.layout import error_summary, grid_height, link, round_or_stop, screen_heading, way_on

_MOST_NAMED = 10
_TICKS, _GRIDS, _SHOWN = "newer_ticks", "newer_grids", "newer_rows"
_ABOUT_GONE = {
    "supporters": "A supporter who is gone is proposed nowhere from today.",
    "needs": "A need that is gone is withdrawn.",
    "accreditation": "Evidence that is gone is taken out.",
}


def show() -> None:
    """Show the screen."""
    round_ = round_or_stop(NEWER)
    proposal = attempts.proposal()
    if proposal is None:
        _show_done(round_)
        return
    screen_heading(NEWER, round_, "Decisions, statuses and notes stay.")
    offer_corrected(proposal.files, proposal.corrected)
    found = attempts.differences(round_, proposal)
    if not found and not proposal.whole_files:
        st.html(markup.banner("The newer tables have the same content as the round's.", ["Nothing would change."]))
        st.button("Discard", on_click=attempts.forget_proposal)
        return
    names = _Names(opened_register(round_), {(one.table, key): row for one in found for key, row in one.rows.items()})
    _show_difference(names, found, proposal)


def _show_done(round_: Round) -> None:
    waits = any(one.round_id == round_.round_id for one in attempts.kept_uploads())
    screen_heading(NEWER, round_, "Go on where you left off." if waits else "No newer table waits to be accepted.")
    show_recorded(round_)
    offer_kept_uploads(round_.round_id)
    if round_.files is None:
        way_on(CHECK, "Next: Check the data")
    else:
        way_on(PLAN, "Next: Plan")
    link(START, "Upload newer tables under Start")


@dataclass(frozen=True)
class _Names:
    """The words for people and needs of the register, and of rows that newer tables add."""

    opened: OpenedRegister
    rows: Mapping[tuple[str, tuple[str, ...]], Mapping[str, str]]

    def of(self, change: RowChange) -> str:
        """Return the person or the need that a row is about."""
        row, first = self.rows[change.table, change.key], change.key[0]
        if change.table == "needs":
            return f"{row['focus']} at {self.opened.school(row['school_urn'])} ({first})"
        if change.table == "accreditation":
            return self.person(first)
        return f"{row['name']} ({first})"

    def changes(self, kind: str, change: RowChange) -> str:
        """Return what changes in a row."""
        criterion = f"{change.key[1]}: " if change.table == "accreditation" else ""
        before, after = change.before or {}, change.after or {}
        if kind == "gone":
            return criterion + {"needs": "withdrawn", "supporters": "proposed nowhere"}.get(change.table, "taken out")
        if kind == "added":
            known = ("supporter_id", "need_id", "criterion", "name", "focus")
            return criterion + "; ".join(self._cell(name, cell) for name, cell in after.items() if name not in known)
        cells = [f"{self._cell(name, before[name])} → {self._value(name, cell)}" for name, cell in after.items()]
        return criterion + "; ".join(cells)

    def _cell(self, column: str, cell: str) -> str:
        return f"{'school' if column == 'school_urn' else column.replace('_', ' ')}: {self._value(column, cell)}"

    def _value(self, column: str, cell: str) -> str:
        return self.opened.school(cell) if column == "school_urn" and cell else cell or "blank"

    def person(self, supporter_id: str) -> str:
        """Return a supporter's name, with the identifier."""
        row = self.rows.get(("supporters", (supporter_id,)))
        return f"{row['name']} ({supporter_id})" if row else self.opened.person(supporter_id)


# ---- difference ----------------------------------------------------------------------------------------------------


def _show_difference(names: _Names, found: Sequence[Difference], proposal: Proposal) -> None:
    _warn_of_agreed(names, found)
    _warn_of_by_hand(names, found)
    _show_counts(found)
    files = _ask_for_files(names.opened.round_, proposal)
    ticked = _ask_for_rows(names, found)
    event = newer_table(found, ticked, by=who()) if any(ticked.values()) else None
    accepted = _accepted(names, proposal, files, event)
    total, count = sum(len(one.all) for one in found), len(event.changes) if event else 0
    is_all = count == total and len(files) == len(proposal.whole_files)
    with st.container(horizontal=True):
        words = "Accept all" if is_all else f"Accept what is ticked ({counted(count, 'row')} of {total:,})"
        approved = names.opened.is_approved
        pressed = st.button(words, type="primary", disabled=accepted is None or approved or not (event or files))
        st.button("Discard", on_click=attempts.forget_proposal)
    if approved:
        st.html(markup.paragraph("The plan is approved. Reopen it under Hand over before you accept newer tables."))
    if pressed and accepted is not None:
        _accept(names, proposal, files, accepted)


def _warn_of_agreed(names: _Names, found: Sequence[Difference]) -> None:
    """Warn, before anything else, if newer tables lack people or needs with agreed deployments."""
    state, opened = names.opened.state, names.opened
    lasting = {*HELD} - {"completed"}
    agreed = {pair for pair in opened.supporter_of.items() if state.status_of(*pair) in lasting}
    gone = {one.table: {change.key[0] for change in one.gone} for one in found}
    people = {one for _, one in agreed}
    missing = sorted(people & gone.get("supporters", set()))
    lines = []
    if missing:
        lines.append(_of_agreed(map(opened.person, missing), len(missing), len(people), ("person", "people")))
    needs = sorted({one for one, _ in agreed} & gone.get("needs", set()))
    if needs:
        total = len({one for one, _ in agreed})
        lines.append(_of_agreed(map(opened.need, needs), len(needs), total, ("need", "needs")))
    for one in found:
        rows = len(names.opened.rows(one.table))
        if one.gone and one.table != "accreditation" and 2 * len(one.gone) >= rows:
            lines.append(f"{len(one.gone):,} of the {rows:,} {one.table} of this round. Is the newer table complete?")
    if lines:
        kept = ["Agreed deployments stay until you end them below."] if missing or needs else []
        st.html(markup.banner("The newer tables no longer have:", [*lines, *kept], kind="warning"))


def _of_agreed(named: Iterable[str], count: int, total: int, words: tuple[str, str]) -> str:
    of_all = f", of {total:,} in all" if total > count else ""
    doubt = " Is the newer table complete?" if total > 1 and 2 * count >= total else ""
    return f"{counted(count, *words)} with agreed deployments{of_all}: {_listed(named)}.{doubt}"


def _warn_of_by_hand(names: _Names, found: Sequence[Difference]) -> None:
    by_hand = [row for one in found for row in taken_back(one, names.opened.round_.events)]
    if by_hand:
        rows = counted(len(by_hand), "row differs", "rows differ")
        title = f"{rows} from what was recorded here since."
        lines = [f"{_listed(map(names.of, by_hand))}.", "Untick them to keep what was recorded here."]
        st.html(markup.banner(title, lines, kind="warning"))


def _listed(words: Iterable[str]) -> str:
    return listed(list(dict.fromkeys(words)), _MOST_NAMED, "; ")


def _show_counts(found: Sequence[Difference]) -> None:
    if not found:
        return
    cells = [
        (f"{one.table.capitalize()} {kind}", f"{len(rows):,}", "row" if len(rows) == 1 else "rows")
        for one in found
        for kind, rows in one.by_kind.items()
    ]
    st.html(markup.figures(cells))
    lines = [_ABOUT_GONE[one.table] for one in found if one.gone]
    lines += [
        f"The newer {one.table} table lacks these columns, and their cells stay: {', '.join(one.lacking)}."
        for one in found
        if one.lacking
    ]
    lines += [f"New columns of {one.table}: {', '.join(one.new_columns)}." for one in found if one.new_columns]
    if lines:
        st.html(markup.bullets(lines))


def _ask_for_files(round_: Round, proposal: Proposal) -> tuple[str, ...]:
    """Ask which of the files that are replaced as a whole are taken."""
    if not proposal.whole_files:
        return ()
    st.header("Files that are replaced", anchor=False)
    taken = []
    for table in proposal.whole_files:
        verb = "Replace" if table in round_.sources else "Add"
        name = markup.label(proposal.files[table].name)
        if st.checkbox(f"{verb} the {table} file ({name})", value=True, key=f"newer_file_{table}"):
            taken.append(table)
    if {"schools", "ofsted", "links"} & {*proposal.whole_files}:
        _show_schools(round_, proposal)
    return tuple(taken)


def _show_schools(round_: Round, proposal: Proposal) -> None:
    """Show how the schools would differ; a round without a schools table has nothing to compare."""
    newer = proposal.newer(round_)
    found = schools_difference(cache.schools_of(round_.sources), cache.schools_of(newer))
    for kind, schools in (("added", found.added), ("gone", found.gone), ("at another place", found.moved)):
        if schools:
            named = _listed(f"{name} ({urn})" for urn, name in schools)
            st.html(markup.paragraph(f"{counted(len(schools), 'school')} {kind}: {named}."))
    if not (found.added or found.gone or found.moved):
        st.html(markup.paragraph("No school is added, gone or at another place."))


# ---- rows ----------------------------------------------------------------------------------------------------------


def _ask_for_rows(names: _Names, found: Sequence[Difference]) -> dict[str, set[Key]]:
    """Show every row that differs, to be ticked, and return the keys of those that are; all are ticked at first."""
    rows = [(kind, change) for one in found for kind, changes in one.by_kind.items() for change in changes]
    ticked: dict[str, set[Key]] = {one.table: set() for one in found}
    if not rows:
        return ticked
    st.header("Rows that differ", anchor=False)
    cells = [(kind, one.table, one.key, one.before, one.after) for kind, one in rows]
    digest = hashlib.sha256(repr(cells).encode()).hexdigest()[:12]
    ticks: dict[int, bool] = st.session_state.setdefault(f"{_TICKS}_{digest}", dict.fromkeys(range(len(rows)), True))
    buttons = st.container(horizontal=True)
    table = pd.DataFrame(
        {
            "take": [ticks[at] for at in range(len(rows))],
            "change": [f"{change.table.capitalize()}, {kind}" for kind, change in rows],
            "row": [names.of(change) for _, change in rows],
            "what": [names.changes(kind, change) for kind, change in rows],
        }
    )
    key = f"newer_rows_{digest}_{st.session_state.get(_GRIDS, 0)}"
    # Streamlit forgets the edits of a grid that was not on the screen in the last run; until then its rows stay.
    if key not in st.session_state:
        st.session_state[_SHOWN] = table
    edited = st.data_editor(
        st.session_state[_SHOWN],
        hide_index=True,
        height=grid_height(len(rows)),
        column_config={
            "take": st.column_config.CheckboxColumn("Tick", width="small"),
            "change": st.column_config.TextColumn("Table"),
            "row": st.column_config.TextColumn("Row", width="medium"),
            "what": st.column_config.TextColumn("What changes", width="large"),
        },
        disabled=["change", "row", "what"],
        key=key,
        alt="Rows in which the newer tables differ, to be ticked",
    )
    ticks.update(enumerate(edited["take"].tolist()))
    with buttons:
        _tick_by_kind(ticks, rows)
    listed = edited.rename(columns={"take": "ticked", "change": "table", "what": "what changes"})
    st.download_button(
        "Download the difference (CSV)",
        csv_bytes(frames.safe_cells(listed)),
        "difference.csv",
        "text/csv",
        on_click="ignore",
    )
    for at, (_, change) in enumerate(rows):
        if ticks[at]:
            ticked[change.table].add(change.key)
    return ticked


def _tick_by_kind(ticks: dict[int, bool], rows: Sequence[tuple[str, RowChange]]) -> None:
    """Offer to tick or untick all rows of one kind."""
    at_of: dict[tuple[str, str], list[int]] = {}
    for at, (kind, change) in enumerate(rows):
        at_of.setdefault((change.table, kind), []).append(at)

    def turn(places: Collection[int], on: bool) -> None:
        ticks.update(dict.fromkeys(places, on))
        st.session_state[_GRIDS] = st.session_state.get(_GRIDS, 0) + 1

    for (table, kind), places in at_of.items():
        on = not all(ticks[at] for at in places)
        words = f"{'Tick' if on else 'Untick'} {table} {kind} ({len(places):,})"
        st.button(words, on_click=turn, args=(places, on), key=f"turn_{table}_{kind}")


# ---- acceptance ----------------------------------------------------------------------------------------------------


def _accepted(names: _Names, proposal: Proposal, files: Sequence[str], event: Event | None) -> list[Event] | None:
    """Show what the ticked rows touch, and return the events that accept them; None if the tables were not sound."""
    opened = names.opened
    sources = proposal.with_files(opened.round_, files)
    try:
        if event and (problem := change_problem(sources, event)):
            raise DataError([problem])
        after = cache.tried_inputs(with_changes(sources, event.changes) if event else sources)
    except DataError as error:
        lines = [str(one) for one in error.problems[:_MOST_NAMED]]
        if "schools" in files and any(one.column == "school_urn" for one in error.problems):
            lines.append("Rows that are gone stay, withdrawn, and name their schools: add these to the schools file.")
        error_summary("These rows cannot be accepted together", lines, occasion=hash(str(error)))
        return None
    return [event, *show_touched(opened, event, _touched(opened, event, after), "newer")] if event else []


def _touched(opened: OpenedRegister, event: Event, after: Inputs) -> tuple[Touched, ...]:
    made_from = (opened.round_.round_id, opened.round_.revision, sorted(after.files.items()))
    return _touched_once(hashlib.sha256(repr(made_from).encode()).hexdigest(), opened, event, after)


@st.cache_resource(scope="session", max_entries=3, show_spinner=False)
def _touched_once(digest: str, _opened: OpenedRegister, _event: Event, _after: Inputs) -> tuple[Touched, ...]:
    return touched_by(_opened, _event, _after)


def _accept(names: _Names, proposal: Proposal, files: Sequence[str], entry: Sequence[Event]) -> None:
    """Record the ticked rows and files as one entry, which is undone together."""
    round_ = names.opened.round_
    words = [f"{what_happened(one).capitalize()}." for one in entry[:1]]
    words += [f"Replaced: {', '.join(files)}."] if files else []
    words += outcome(names.opened, entry[1:])
    settings = proposal.settings(round_, files)
    words += [f"{what_happened(one).capitalize()}." for one in settings]
    entry = [*entry, *settings]
    sources: dict[str, Source] = proposal.with_files(round_, files)
    if sources == round_.sources:
        after, count = decisions.record(round_, entry), len(entry)
    else:
        save = partial(open_round.store().save_sources, round_, sources, entry=entry, by=who())
        after, count = open_round.change(save), len(entry) + 1
    # A refusal draws the screen again before this, and the newer tables stay.
    attempts.forget_proposal()
    confirm(after, count, words)


if __name__ == "__main__":
    show()
