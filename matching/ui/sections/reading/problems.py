"""Problems in uploaded files: a list, and the ways to fix them here, leave out rows or upload corrected files."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import streamlit as st

from matching.errors import LEAVE_OUT, DataError, Problem, counted
from matching.inputs.corrections import Changes
from matching.inputs.locations import Place, can_be_mended, options_of, place_of, with_leaving_out
from matching.inputs.read import REQUIRED_TABLES
from matching.inputs.recognise import WORKBOOK
from matching.tables.csv_out import csv_bytes
from matching.tables.files import Source, named_apart
from matching.ui.formatting import frames, markup
from matching.ui.sections.filters import filter_by
from matching.ui.sections.reading.columns import show_readings
from matching.ui.sections.reading.mending import cells_to_mend, show_mending, with_changes
from matching.ui.state import attempts, cache, open_round
from matching.ui.steps import CHECK, NEWER
from matching.ui.widgets.layout import error_summary, go_to
from matching.ui.widgets.uploads import ROUND_SLOTS, limit_sentence, upload_form, upload_slots

_MOST_OF_A_FILE = 30
_MOST_NOTICES = 12
_SEVERITY_COLOURS = dict(zip(frames.SEVERITIES.values(), ("red", "yellow"), strict=True))


def show_problems(attempt: attempts.Attempt) -> None:
    """Show how the files of an attempt are read, what is wrong in them, and every way to fix it."""
    problems = attempt.problems
    if problems:
        by_file = Counter(one.table for one in problems)
        error_summary(
            f"There {'is' if len(problems) == 1 else 'are'} {counted(len(problems), 'problem')} in your files",
            [f"{name}: {counted(count, 'problem')}" for name, count in by_file.items()],
            target="problems",
            occasion=attempt.number,
        )
    lead = "Fix the problems here, or fix them in your own files and upload those again."
    st.html(markup.page_heading(CHECK.title, lead if problems else "Check how your files are read, then go on."))
    readings = cache.readings_of(attempt.sources)
    sources = show_readings(attempt.sources, readings, attempts.remembered_options(), attempt.number)
    if sources is not None:
        _try_again(attempt, sources)
    # The columns that are not used are listed above, with what is in them.
    show_notices([one for one in attempt.notices if "columns that are not used:" not in one])
    if any(one.asks for one in readings) and problems:
        # Until the columns are named, more problems may be hidden than are shown.
        _offer_every_problem(attempt)
        _check_again(attempt, cache.places_of(attempt.sources))
    elif problems:
        _show_ways_to_fix(attempt)
    else:
        st.button("Discard these files", on_click=attempts.forget_attempt)
    if open_round.held():
        st.html(markup.paragraph("The round that you have open, and its plan, have not changed.", quiet=True))


def _show_ways_to_fix(attempt: attempts.Attempt) -> None:
    places = cache.places_of(attempt.sources)
    st.html('<div id="problems" tabindex="-1"></div>')
    groups = cells_to_mend(attempt.sources, attempt.problems, places)
    changes = show_mending(attempt.sources, groups, attempt.number)
    if changes:
        _mend(attempt, places, changes)
    elif changes is not None:
        advice = "Change a cell under “New value”, or choose a school, then press the button again."
        st.html(markup.banner("Nothing has changed yet, so there is nothing to check again.", [advice], kind="warning"))
    _list(attempt, places)
    offer_corrected(attempt.sources, attempt.corrected)
    _check_again(attempt, places)


def _mend(attempt: attempts.Attempt, places: Sequence[Place], changes: Mapping[str, Changes]) -> None:
    try:
        changed = with_changes(attempt.sources, places, changes)
    except DataError as error:
        lines = [f"{one.message} {one.fix}" for one in error.problems]
        st.html(markup.banner("The cells cannot be changed here.", lines, kind="warning"))
        return
    _try_again(attempt, changed, frozenset(changes))


def _try_again(attempt: attempts.Attempt, sources: dict[str, Source], corrected: frozenset[str] = frozenset()) -> None:
    with st.spinner("Checking the files…"):
        sound = attempts.try_files(
            attempt.name,
            sources,
            corrected=attempt.corrected | corrected,
            new_round=attempt.new_round,
            upload_id=attempt.upload_id,
        )
    if sound and attempts.proposal():
        go_to(NEWER)
    st.rerun()


# ---- list ----------------------------------------------------------------------------------------------------------


def _list(attempt: attempts.Attempt, places: Sequence[Place]) -> None:
    """List the problems: those that cannot be fixed above in plain view, and all of them on request."""
    elsewhere = [one for one in attempt.problems if not can_be_mended(one, place_of(one, places))]
    if elsewhere:
        st.header("Fix these in your own files", anchor=False)
        _show_table(elsewhere, "Problems of whole rows, columns or files")
    if len(elsewhere) == len(attempt.problems):
        _offer_list(attempt.problems)
    else:
        _offer_every_problem(attempt)


def _offer_every_problem(attempt: attempts.Attempt) -> None:
    with st.expander(f"Show every problem, row by row ({len(attempt.problems):,})"):
        chosen = _chosen(attempt)
        if chosen:
            _show_table(chosen, "Problems, row by row")
            _offer_list(chosen)
        else:
            st.html(markup.paragraph("No problem matches these filters. Clear one of them."))


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


def _show_table(problems: Sequence[Problem], caption: str) -> None:
    table = frames.problems_table(problems)
    # The first of each file, so that one with many problems does not hide another's.
    listed = table.groupby("File", sort=False).head(_MOST_OF_A_FILE)
    st.html(markup.table(listed, caption, tags=_SEVERITY_COLOURS))
    if len(listed) < len(table):
        st.caption(
            f"The first {_MOST_OF_A_FILE} problems of each file are shown. Download them to see all {len(table):,}."
        )


def _offer_list(problems: Sequence[Problem]) -> None:
    st.download_button(
        "Download the problems (CSV)",
        csv_bytes(frames.safe_cells(frames.problems_table(problems))),
        "problems.csv",
        "text/csv",
        on_click="ignore",
    )


def show_notices(notices: Sequence[str]) -> None:
    """Show in plain view what is worth knowing about the files."""
    if not notices:
        return
    st.html(markup.bullets(notices[:_MOST_NOTICES]))
    if len(notices) > _MOST_NOTICES:
        with st.expander(f"Show {counted(len(notices) - _MOST_NOTICES, 'more notice')}"):
            st.html(markup.bullets(notices[_MOST_NOTICES:]))


def offer_corrected(sources: Mapping[str, Source], corrected: Collection[str]) -> None:
    """Offer the files of the tables that were corrected here as downloads."""
    # Several tables may be in one workbook.
    files = {source: named_apart(sources)[table].name for table, source in sources.items() if table in corrected}
    if not files:
        return
    line = "Your own files still have the old values. Download the corrected ones to keep them."
    st.html(markup.banner("You have corrected cells here.", [line]))
    with st.container(horizontal=True):
        for source, called in files.items():
            label = f"Download the corrected {called}"
            st.download_button(label, source.content, source.name, on_click="ignore", key=f"corrected_{called}")


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
    called = {name: source.name for name, source in named_apart(attempt.sources).items()}
    faulty = [name for name in ROUND_SLOTS if named.intersection((name, called.get(name), *labels.get(name, ())))]
    return faulty or [name for name in ROUND_SLOTS if name != WORKBOOK]
