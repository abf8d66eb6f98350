"""Problems in uploaded files: a list, and the ways to fix them here, leave out rows or upload corrected files."""

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from matching.errors import LEAVE_OUT, DataError, Problem, counted, shown
from matching.inputs.checks.school_names import is_school_name
from matching.inputs.locations import (
    Choices,
    Place,
    can_be_mended,
    choices,
    options_of,
    place_of,
    with_cells,
    with_leaving_out,
    with_offer,
)
from matching.inputs.read import REQUIRED_TABLES
from matching.inputs.recognise import WORKBOOK
from matching.tables.csv_out import csv_bytes
from matching.tables.files import Source, named_apart
from matching.ui.formatting import frames, markup
from matching.ui.sections.filters import filter_by
from matching.ui.sections.header_mapping import show_form
from matching.ui.state import attempts, cache, open_round
from matching.ui.steps import CHECK, NEWER
from matching.ui.widgets.layout import error_summary, go_to
from matching.ui.widgets.uploads import ROUND_SLOTS, limit_sentence, upload_form, upload_slots

_MOST_OF_A_FILE = 30
_MOST_TO_FIX = 500
# Each row is changed separately, and a workbook is written again for each.
_MOST_ROWS_AT_ONCE = 50
_SEVERITY_COLOURS = dict(zip(frames.SEVERITIES.values(), ("red", "yellow"), strict=True))


def show_problems(attempt: attempts.Attempt) -> None:
    """Show the problems in the files of an attempt, and every way to fix them."""
    problems = attempt.problems
    by_file = Counter(one.table for one in problems)
    error_summary(
        f"There {'is' if len(problems) == 1 else 'are'} {counted(len(problems), 'problem')} in your files",
        [f"{name}: {counted(count, 'problem')}" for name, count in by_file.items()],
        target="problems",
        occasion=attempt.number,
    )
    lead = "Nothing is saved yet. Fix the problems here, or fix them in your own files and upload those again."
    st.html(markup.page_heading(CHECK.title, lead))
    _ask_for_columns(attempt)
    places = cache.places_of(attempt.sources)
    st.html('<div id="problems" tabindex="-1"></div>')
    chosen = _chosen(attempt)
    if chosen:
        _fix_cells(attempt, chosen, places)
        _list(chosen)
    else:
        st.html(markup.paragraph("No problem matches these filters. Clear one of them."))
    if attempt.notices:
        with st.expander(f"For information: {counted(len(attempt.notices), 'notice')}"):
            st.html(markup.bullets(attempt.notices))
    offer_corrected(attempt.sources, attempt.corrected)
    _check_again(attempt, places)
    if open_round.held():
        st.html(markup.paragraph("The round that you have open, and its plan, have not changed.", quiet=True))


def _try_again(attempt: attempts.Attempt, sources: dict[str, Source], corrected: frozenset[str] = frozenset()) -> None:
    with st.spinner("Checking the files…"):
        sound = attempts.try_files(
            attempt.name, sources, corrected=attempt.corrected | corrected, new_round=attempt.new_round
        )
    if sound and attempts.proposal():
        go_to(NEWER)
    st.rerun()


# ---- columns -------------------------------------------------------------------------------------------------------


def _ask_for_columns(attempt: attempts.Attempt) -> None:
    unknown = cache.unknown_headers_of(attempt.sources)
    if not unknown:
        return
    st.header("Name the columns first", anchor=False)
    st.html(markup.paragraph("Some columns have names that the program does not know. Choose which column is which."))
    remembered = attempts.remembered_columns()
    for found in unknown:
        sources = show_form(found, remembered, attempt.sources, attempt.number)
        if sources is not None:
            _try_again(attempt, sources)


# ---- list ----------------------------------------------------------------------------------------------------------


def _chosen(attempt: attempts.Attempt) -> tuple[Problem, ...]:
    """Show the filters and return the problems that pass them, those that stop the run first."""
    order = list(frames.SEVERITIES)
    problems = sorted(attempt.problems, key=lambda one: order.index(one.severity))
    counts = Counter(one.severity for one in problems)
    files = list(dict.fromkeys(one.table for one in problems))
    if len(counts) > 1:
        cells = [
            (frames.SEVERITIES[severity], f"{count:,}", "problem" if count == 1 else "problems")
            for severity, count in counts.items()
        ]
        st.html(markup.figures(cells))
    if len(files) == 1 and len(counts) == 1:
        return tuple(problems)
    left, right = st.columns(2, gap="medium")
    file = filter_by(left, "File", files, f"file_{attempt.number}")
    severity = filter_by(right, "Effect", counts, f"effect_{attempt.number}", words=frames.SEVERITIES)
    return tuple(one for one in problems if file in (None, one.table) and severity in (None, one.severity))


def _list(problems: Sequence[Problem]) -> None:
    table = frames.problems_table(problems)
    # The first of each file, so that one with many problems does not hide another's.
    listed = table.groupby("File", sort=False).head(_MOST_OF_A_FILE)
    st.html(markup.table(listed, "Problems, row by row", tags=_SEVERITY_COLOURS))
    if len(listed) < len(table):
        st.caption(
            f"The first {_MOST_OF_A_FILE} problems of each file are shown. Download them to see all {len(table):,}."
        )
    st.download_button(
        "Download the problems (CSV)",
        csv_bytes(frames.safe_cells(table)),
        "problems.csv",
        "text/csv",
        on_click="ignore",
    )


# ---- fix -----------------------------------------------------------------------------------------------------------


def _fix_cells(attempt: attempts.Attempt, problems: Sequence[Problem], places: Sequence[Place]) -> None:
    """Show one problem at a time, the first one chosen, so that each fix leads to the next problem."""
    of_cells = [one for one in problems[:_MOST_TO_FIX] if can_be_mended(one, place_of(one, places))]
    if not of_cells:
        return
    st.header("Fix the problems", anchor=False)
    st.html(
        markup.paragraph(
            "Choose a problem and change the cell. The files are then checked again. Your own file stays as it is; you "
            "can download the corrected one afterwards.",
            quiet=True,
        )
    )
    position = st.selectbox(
        "Problem to fix",
        range(len(of_cells)),
        format_func=lambda place: _in_a_line(of_cells[place]),
        key=f"fix_{attempt.number}_{len(of_cells)}",
    )
    problem = of_cells[position]
    place = place_of(problem, places)
    assert place is not None
    with st.container(border=True):
        _fix_cell(attempt, problem, place, f"{attempt.number}_{attempt.problems.index(problem)}")


def _in_a_line(problem: Problem) -> str:
    return f"{problem.table} row {problem.row}, {problem.column}: {problem.message}"


def _fix_cell(attempt: attempts.Attempt, problem: Problem, place: Place, occasion: str) -> None:
    assert problem.row is not None
    row = _row(attempt, problem, place)
    cell = row.get(place.columns[problem.column], problem.value) if row else problem.value
    st.html(markup.paragraph(problem.message, problem.fix))
    if row:
        filled = {header: value for header, value in row.items() if header and value}
        st.html(
            markup.paragraph(f"Row {problem.row}: " + "; ".join(f"{k}: {v}" for k, v in filled.items()), quiet=True)
        )
    rows = _rows_to_fix(attempt, problem, occasion)
    namesakes = _namesakes(attempt, problem)
    if len(namesakes) > 1:
        urn = _chosen_school(namesakes, occasion)
        if urn:
            _put(attempt, place, rows, problem.column, urn)
    else:
        _offer_words(attempt, problem, place, rows, cell, occasion)
    value = _edited(choices(place.table, problem.column), cell, problem.column, occasion)
    if st.button("Save and check again", key=f"save_{occasion}", disabled=value == cell):
        _put(attempt, place, rows, problem.column, value)


def _offer_words(
    attempt: attempts.Attempt, problem: Problem, place: Place, rows: Sequence[int], cell: str, occasion: str
) -> None:
    with st.container(horizontal=True):
        for offer in problem.offers:
            if st.button(f"Use {offer}", key=f"use_{offer}_{occasion}", type="primary"):
                _put(attempt, place, rows, problem.column, with_offer(cell, problem, offer))


def _namesakes(attempt: attempts.Attempt, problem: Problem) -> dict[str, str]:
    """Return the schools that are offered and all that share their names: by URN, their names and where they are.

    Dozens of schools share some names, and the advice offers only a few of them.
    """
    offered = problem.offers
    if not offered or not is_school_name(problem):
        return {}
    try:
        schools = cache.schools_of(attempt.sources)
    except DataError:
        return {}
    names = {_letters(problem.value), *map(_letters, schools.loc[schools["urn"].isin(offered), "name"])}
    same = schools[schools["name"].map(_letters).isin(names)]
    columns = same[["urn", "name", "local_authority", "postcode"]].sort_values(["local_authority", "urn"])
    return {
        urn: ", ".join(word for word in (name, authority, postcode, urn) if word)
        for urn, name, authority, postcode in columns.itertuples(index=False, name=None)
    }


def _letters(name: str) -> str:
    """Return a name without capitals, spaces and marks, so that 'St. Mary's' equals 'St Marys'."""
    return "".join(character for character in name.casefold() if character.isalnum())


def _chosen_school(namesakes: Mapping[str, str], occasion: str) -> str | None:
    """Ask which of the schools with one name is meant, and return its URN; None until the button is pressed."""
    st.html(markup.banner(f"{len(namesakes):,} schools have this name, or one like it.", ["Choose the right one."]))
    urn = st.selectbox(
        "School",
        list(namesakes),
        index=None,
        format_func=lambda one: namesakes.get(one, one),
        placeholder="Choose by local authority or postcode",
        key=f"namesake_{occasion}",
    )
    pressed = st.button("Use this school", type="primary", disabled=urn is None, key=f"use_namesake_{occasion}")
    return urn if pressed else None


def _row(attempt: attempts.Attempt, problem: Problem, place: Place) -> dict[str, str] | None:
    try:
        return cache.cells_of(attempt.sources, place).get(problem.row or 0)
    except DataError:
        return None


def _rows_to_fix(attempt: attempts.Attempt, problem: Problem, occasion: str) -> list[int]:
    """Return the problem's row and, if the user ticks it, the other rows with the same mistake."""
    assert problem.row is not None
    same = [
        one.row
        for one in attempt.problems
        if (one.table, one.column, one.value, one.message)
        == (problem.table, problem.column, problem.value, problem.message)
        and one.row not in (None, problem.row)
        and problem.value
    ][: _MOST_ROWS_AT_ONCE - 1]
    rows = f"the {counted(len(same), 'other row')} with {shown(problem.value)}"
    if same and st.checkbox(f"Make the same change in {rows}", key=f"same_{occasion}"):
        return [problem.row, *(row for row in same if row is not None)]
    return [problem.row]


def _edited(known: Choices | None, cell: str, column: str, occasion: str) -> str:
    key = f"value_{occasion}"
    if known is None:
        return st.text_input(f"New value of {column}", value=cell, key=key, max_chars=1000).strip()
    chosen = known.chosen(cell)
    if known.several:
        picked = st.multiselect(f"New value of {column}", known.words, default=chosen, key=key)
        return cell if picked == chosen else ";".join(picked)
    index = known.words.index(chosen[0]) if chosen else None
    word = st.selectbox(
        f"New value of {column}", known.words, index=index, key=key, placeholder=f"Choose, instead of {shown(cell)}"
    )
    return word or cell


def _put(attempt: attempts.Attempt, place: Place, rows: Sequence[int], column: str, value: str) -> None:
    changed = with_cells(attempt.sources, place, rows, column, value)
    _try_again(attempt, changed, frozenset([place.labels[0]]))


def offer_corrected(sources: Mapping[str, Source], corrected: frozenset[str]) -> None:
    """Offer the files that were corrected here as downloads."""
    files = {source.name: source for source in named_apart(sources).values() if source.name in corrected}
    if not files:
        return
    line = "Your own files still have the old values. Download the corrected ones to keep them."
    st.html(markup.banner("You have corrected cells here.", [line]))
    with st.container(horizontal=True):
        for name, source in files.items():
            label = f"Download the corrected {name}"
            st.download_button(label, source.content, name, on_click="ignore", key=f"corrected_{name}")


# ---- check again ---------------------------------------------------------------------------------------------------


def _check_again(attempt: attempts.Attempt, places: Sequence[Place]) -> None:
    occasion = f"again_{attempt.number}"
    with upload_form(occasion):
        leave_out = _leaving_out(attempt)
        st.header("Or upload the corrected files", anchor=False)
        st.html(markup.paragraph(f"Upload only what you have corrected. {limit_sentence()}", quiet=True))
        faulty = _faulty_tables(attempt, places)
        uploaded = upload_slots(faulty, occasion)
        sources = with_leaving_out(_without_ticked_files(attempt, faulty), leave_out)
        again = st.form_submit_button("Check again", type="primary")
    st.button("Discard these files", on_click=attempts.forget_attempt)
    if again and (uploaded or sources != attempt.sources):
        _try_again(attempt, {**sources, **uploaded})
    elif again:
        advice = "Tick a box or choose a corrected file, then press the button again."
        st.html(markup.banner("Nothing has changed yet, so there is nothing to check again.", [advice], kind="warning"))


def _leaving_out(attempt: attempts.Attempt) -> bool:
    """Ask whether to leave out the rows with problems, and return the answer."""
    already = options_of(attempt.sources).leave_out
    rows = {(one.table, one.row) for one in attempt.problems if one.severity == LEAVE_OUT}
    if not rows and not already:
        return False
    st.header("Or leave out the rows with problems", anchor=False)
    by_file = Counter(name for name, _ in sorted(rows, key=str))
    listed = ", ".join(f"{count:,} of {name}" for name, count in by_file.items())
    label = (
        f"Leave out {counted(len(rows), 'row')} ({listed})" if rows else "Leave out rows with problems, as you asked"
    )
    ticked = st.checkbox(label, value=already, key=f"leave_out_{attempt.number}")
    st.html(
        markup.paragraph(
            "Rows that depend on such a row are left out too: the needs of a school, or the evidence of a supporter. "
            "This screen and the plan list every row that is left out. Tick the box, then press “Check again” below.",
            quiet=True,
        )
    )
    return ticked


def _without_ticked_files(attempt: attempts.Attempt, faulty: Sequence[str]) -> dict[str, Source]:
    """Return the files of the attempt without the optional ones that the user ticks to leave out."""
    optional = [name for name in faulty if name in attempt.sources and name not in REQUIRED_TABLES]
    left_out = {
        name
        for name in optional
        if st.checkbox(f"Continue without the {name} file", key=f"without_{name}_{attempt.number}")
    }
    return {name: source for name, source in attempt.sources.items() if name not in left_out}


def _faulty_tables(attempt: attempts.Attempt, places: Sequence[Place]) -> list[str]:
    """Return the tables to upload again: those that a problem names, by their file or as missing."""
    named = {one.table for one in attempt.problems}
    labels = {place.table: place.labels for place in places}
    faulty = [
        name
        for name in ROUND_SLOTS
        if name in named
        or named.intersection(labels.get(name, ()))
        or (name in attempt.sources and attempt.sources[name].name in named)
    ]
    return faulty or [name for name in ROUND_SLOTS if name != WORKBOOK]
