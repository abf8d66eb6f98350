"""Who needs help: schools in challenging circumstances, each with the rule that lists it, and needs to choose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import pandas as pd
import streamlit as st

from matching.errors import DataError, counted
from matching.inputs.locations import options_of, with_options
from matching.inputs.triage import (
    NEEDS_COLUMNS,
    Attainment,
    new_needs,
    read_attainment,
    suggested_needs,
    triage,
    triage_as_text,
)
from matching.rounds.edits import added_need
from matching.rounds.history.events import Event
from matching.rounds.register import with_changes
from matching.rounds.round import Round
from matching.tables.csv_out import csv_bytes
from matching.tables.files import Source
from matching.tables.formats import PRIORITIES
from matching.tables.vocabulary import standard_vocabulary
from matching.ui.formatting import frames, markup
from matching.ui.formatting.words import day
from matching.ui.sections.confirmation import record_and_confirm, show_recorded
from matching.ui.sections.filters import filter_by
from matching.ui.state import attempts, cache, open_round, person
from matching.ui.state.params import screen_params
from matching.ui.steps import CHECK, TRIAGE
from matching.ui.widgets.layout import error_summary, go_to, screen_heading
from matching.ui.widgets.uploads import limit_sentence, upload_form, upload_slots

_MOST_LISTED, _MOST_NAMED = 30, 10
_EDITED, _GRID, _GRIDS = "triage_edited", "triage_grid", "triage_grids"


@dataclass(frozen=True)
class _Schools:
    """The schools to look at.

    Attributes
    ----------
    frame : DataFrame
        The schools table.
    attainment : Attainment or None
    digest : str
        Differs for different files.
    files : mapping of str to Source
        The files of the schools, for a new round.
    from_round : bool
        Whether they are the open round's.
    """

    frame: pd.DataFrame
    attainment: Attainment | None
    digest: str
    files: Mapping[str, Source]
    from_round: bool


@dataclass(frozen=True)
class _Grid:
    """A grid of needs as it came on screen: which needs it is about, its key and its first rows."""

    about: tuple[str, tuple[str, ...]]
    key: str
    rows: pd.DataFrame


def show() -> None:
    """Show the screen."""
    round_ = open_round.current()
    what = "This list is a proposal: read the reasons, then tick and edit the needs that are right."
    if round_:
        screen_heading(TRIAGE, round_, what)
        show_recorded(round_)
    else:
        st.html(markup.page_heading(TRIAGE.title, f"{TRIAGE.purpose} {what}"))
    schools = _schools(round_)
    if schools is None:
        return
    listed = _listed(schools)
    if listed.empty:
        st.html(markup.banner("No rule lists any of these schools.", [_about_grades(schools.frame)]))
        return
    _show_list(listed)
    _show_needs(listed, schools, round_)


# ---- schools -------------------------------------------------------------------------------------------------------


def _schools(round_: Round | None) -> _Schools | None:
    with st.expander("Use other files" if round_ else "Choose the files", expanded=round_ is None):
        st.html(
            markup.paragraph(
                "Upload a schools table or a GIAS extract. Ofsted's file adds newer grades and report card areas."
            )
        )
        st.html(markup.paragraph(limit_sentence(), quiet=True))
        with upload_form("triage"):
            uploaded = upload_slots(("schools", "ofsted", "links", "results"), "triage")
            st.form_submit_button("Use these files", type="primary" if round_ is None else "secondary")
    results = uploaded.pop("results", None)
    try:
        attainment = read_attainment(results) if results else None
        if "schools" in uploaded:
            frame = cache.schools_of(uploaded)
        elif round_ is not None:
            frame = cache.inputs_of(round_.sources).schools
        else:
            return None
    except DataError as error:
        lines = [f"{one.table}: {one.message} {one.fix}" for one in error.problems[:10]]
        error_summary("These files cannot be used", lines, occasion=hash(tuple(uploaded.values())))
        return None
    if attainment and attainment.notices:
        st.html(markup.bullets(attainment.notices))
    chosen = uploaded if "schools" in uploaded else (round_.sources if round_ else {})
    digest = "_".join(source.sha256[:12] for source in (*chosen.values(), *([results] if results else [])))
    return _Schools(frame, attainment, digest, chosen, "schools" not in uploaded)


def _about_grades(frame: pd.DataFrame) -> str:
    graded = int((frame["ofsted"] != "").sum())
    return f"{graded:,} of {counted(len(frame), 'school')} have an overall grade. Missing grades are left blank."


def _listed(schools: _Schools) -> pd.DataFrame:
    """Show the filters and return the listed schools that pass them."""
    everywhere = triage(schools.frame, as_at=date.today(), attainment=schools.attainment)
    if everywhere.empty:
        return everywhere
    left, right = st.columns(2, gap="medium")
    authorities = sorted(everywhere["local_authority"].unique())
    area = filter_by(left, "Local authority", authorities, "triage_area")
    wording = dict(everywhere.groupby("rule", sort=False)["reason"].first().map(_without_detail))
    rule = filter_by(right, "Main reason", wording, "triage_rule", words=wording)
    keep = pd.Series(True, index=everywhere.index)
    if area is not None:
        keep &= everywhere["local_authority"] == area
    if rule is not None:
        keep &= everywhere["rule"] == rule
    listed = everywhere[keep].reset_index(drop=True)
    counts = everywhere["suggested_priority"].value_counts()
    st.html(
        markup.figures(
            [
                ("Schools listed", f"{len(everywhere):,}", f"of {len(schools.frame):,}, as at {day(date.today())}"),
                *((name.capitalize(), f"{counts.get(name, 0):,}", "suggested priority") for name in PRIORITIES),
            ]
        )
    )
    st.html(markup.paragraph(_about_grades(schools.frame), quiet=True))
    return listed


def _without_detail(reason: str) -> str:
    return reason.partition(" (")[0].rstrip(".")


def _show_list(listed: pd.DataFrame) -> None:
    st.header("Schools, the most serious first", anchor=False)
    if listed.empty:
        st.html(markup.paragraph("No school matches these filters. Clear one of them."))
        return
    text = triage_as_text(listed)
    table = pd.DataFrame(
        {
            "Rank": text["rank"],
            "School": text["name"] + " (" + text["urn"] + ")",
            "Local authority": text["local_authority"],
            "Phase": text["phase"],
            "Free meals %": text["fsm_percent"],
            "Why it is listed": (text["reason"] + " " + text["other_reasons"]).str.strip(),
        }
    )
    st.html(
        markup.table(table.head(_MOST_LISTED), "Schools in challenging circumstances", numeric=["Rank", "Free meals %"])
    )
    if len(table) > _MOST_LISTED:
        st.caption(
            f"The first {_MOST_LISTED} of {len(table):,} schools are shown. Download the list to see all of them."
        )
    st.download_button(
        "Download the list (CSV)", csv_bytes(frames.safe_cells(text)), "triage.csv", "text/csv", on_click="ignore"
    )


# ---- needs ---------------------------------------------------------------------------------------------------------


def _show_needs(listed: pd.DataFrame, schools: _Schools, round_: Round | None) -> None:
    st.header("Proposed needs", anchor=False)
    proposed = _proposed(listed)
    st.html(
        markup.paragraph(
            "Tick the needs that you want to support. You can change focus, priority, days and notes. Days are blank "
            "because you have to decide them. Your ticks stay when you change the filters."
        )
    )
    most = screen_params().most_needs_edited
    if len(proposed) > most:
        st.caption(f"The first {most} of {len(proposed):,} needs are shown. Choose a local authority to see others.")
        proposed = proposed.head(most)
    edited: dict[str, dict[str, object]] = st.session_state.setdefault(f"{_EDITED}_{schools.digest}", {})
    _tick_many(proposed, edited)
    for row in _grid(proposed, edited, schools.digest).to_dict("records"):
        edited[str(row["need_id"])] = {str(key): value for key, value in row.items()}
    _offer_needs(_ticked(edited), schools, round_)


def _proposed(listed: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each suggested need, and one without a focus for each school whose rule suggests none."""
    bare = listed[listed["suggested_focuses"] == ""]
    columns = list(NEEDS_COLUMNS)
    without = pd.DataFrame(
        {
            "need_id": bare["urn"] + "-1",
            "school_urn": bare["urn"],
            "focus": "",
            "designations": "",
            "days": "",
            "priority": bare["suggested_priority"],
            "notes": "Proposed: " + bare["reason"],
        }
    )
    both = pd.concat([suggested_needs(listed)[columns], without[columns]], ignore_index=True)
    about = listed.assign(place=listed.index).set_index("urn")[["place", "name"]]
    rows = both.join(about, on="school_urn").sort_values(["place", "need_id"], ignore_index=True)
    return pd.DataFrame(
        {
            "take": False,
            "school": rows["name"],
            "focus": rows["focus"].where(rows["focus"] != "", None),
            "priority": rows["priority"],
            "days": pd.Series(float("nan"), index=rows.index),
            "notes": rows["notes"],
            "need_id": rows["need_id"],
            "school_urn": rows["school_urn"],
        }
    )


def _tick_many(proposed: pd.DataFrame, edited: dict[str, dict[str, object]]) -> None:
    def set_all(take: bool) -> None:
        for row in proposed.to_dict("records"):
            earlier = edited.get(str(row["need_id"]), {str(key): value for key, value in row.items()})
            edited[str(row["need_id"])] = {**earlier, "take": take}
        st.session_state.pop(_GRID, None)

    with st.container(horizontal=True):
        st.button(f"Tick all {len(proposed):,}", on_click=set_all, args=(True,))
        st.button("Untick all", on_click=set_all, args=(False,))


def _grid(proposed: pd.DataFrame, edited: Mapping[str, Mapping[str, object]], digest: str) -> pd.DataFrame:
    """Show the needs to tick and edit, and return their rows; the rows passed to the editor stay while it is edited."""
    about = (digest, tuple(proposed["need_id"]))
    grid = st.session_state.get(_GRID)
    # Streamlit forgets the edits of a grid that was not on the screen in the last run.
    if grid is None or grid.about != about or grid.key not in st.session_state:
        st.session_state[_GRIDS] = st.session_state.get(_GRIDS, 0) + 1
        grid = _Grid(about, f"triage_needs_{st.session_state[_GRIDS]}", _with_edits(proposed, edited))
        st.session_state[_GRID] = grid
    rows: pd.DataFrame = st.data_editor(
        grid.rows,
        hide_index=True,
        height=405 if len(proposed) > 10 else "auto",
        column_order=["take", "school", "focus", "priority", "days", "notes", "need_id"],
        column_config={
            "take": st.column_config.CheckboxColumn("Tick", width="small"),
            "school": st.column_config.TextColumn("School", width="medium"),
            "focus": st.column_config.SelectboxColumn("Focus", options=list(standard_vocabulary().focuses)),
            "priority": st.column_config.SelectboxColumn("Priority", options=list(PRIORITIES), required=True),
            "days": st.column_config.NumberColumn("Days", min_value=0, max_value=10_000, step=0.25),
            "notes": st.column_config.TextColumn("Notes", width="large"),
            "need_id": st.column_config.TextColumn("Need"),
        },
        disabled=["school", "need_id"],
        key=grid.key,
        placeholder="",
        alt="Proposed needs, to be ticked and edited",
    )
    return rows


def _with_edits(proposed: pd.DataFrame, edited: Mapping[str, Mapping[str, object]]) -> pd.DataFrame:
    """Return the proposed needs with the ticks and edits so far."""
    rows = [{**row, **edited.get(str(row["need_id"]), {})} for row in proposed.to_dict("records")]
    return pd.DataFrame(rows, columns=list(proposed.columns)).astype(proposed.dtypes.to_dict())


def _ticked(edited: Mapping[str, Mapping[str, object]]) -> pd.DataFrame:
    """Return the ticked needs as a needs table, all text."""
    rows = [row for _, row in sorted(edited.items()) if row["take"]]
    return pd.DataFrame(
        [
            (
                row["need_id"],
                row["school_urn"],
                row["focus"] or "",
                "",
                "" if pd.isna(row["days"]) else f"{row['days']:g}",  # type: ignore[call-overload]
                row["priority"] or "",
                row["notes"] or "",
            )
            for row in rows
        ],
        columns=list(NEEDS_COLUMNS),
        dtype="object",
    )


def _offer_needs(ticked: pd.DataFrame, schools: _Schools, round_: Round | None) -> None:
    if ticked.empty:
        st.html(markup.paragraph("No need is ticked yet. Tick at least one to continue."))
        return
    without_focus = int((ticked["focus"] == "").sum())
    st.html(
        markup.paragraph(
            f"{counted(len(ticked), 'need')} at {counted(ticked['school_urn'].nunique(), 'school')} ticked."
        )
    )
    if without_focus:
        st.html(
            markup.banner(
                f"{counted(without_focus, 'ticked need has', 'ticked needs have')} no focus.",
                ["Choose the focus in the table, or untick the need. The rule that lists the school suggests none."],
                kind="warning",
            )
        )
    if round_ is not None:
        _offer_to_open_round(ticked, round_, has_focus=not without_focus)
    content = csv_bytes(frames.safe_cells(ticked))
    st.html(markup.paragraph(_new_round_words(schools, round_), quiet=True))
    with st.container(horizontal=True):
        st.download_button("Download needs.csv", content, "needs.csv", "text/csv", on_click="ignore")
        kind: Literal["primary", "secondary"] = "primary" if round_ is None else "secondary"
        begin = st.button("Start a new round with these needs", type=kind, disabled=without_focus > 0)
    if begin:
        sources = _carried(schools, round_) | {"needs": Source("needs.csv", content)}
        with st.spinner("Checking the files…"):
            attempts.try_files(open_round.suggested_name(), sources, new_round=True)
        go_to(CHECK)


def _offer_to_open_round(ticked: pd.DataFrame, round_: Round, *, has_focus: bool) -> None:
    """Offer to add the ticked needs to the open round, without those that it has already."""
    known = cache.rows_of(round_.sources, "needs") if "needs" in round_.sources else {}
    proposed = [{str(name): str(cell) for name, cell in row.items()} for row in ticked.to_dict("records")]
    new, there = new_needs(proposed, known.values())
    if there:
        verb = "is" if len(there) == 1 else "are"
        more = [f"and {len(there) - _MOST_NAMED:,} more"] if len(there) > _MOST_NAMED else []
        named = ", ".join([*there[:_MOST_NAMED], *more])
        st.html(markup.paragraph(f"Of these, {len(there):,} {verb} in the open round already: {named}.", quiet=True))
    if round_.approved is not None:
        st.html(markup.paragraph("The open round is approved. Reopen it under Hand over to add needs to it."))
        return
    words = f"Add {counted(len(new), 'need')} to the open round"
    if st.button(words, type="primary", disabled=not (new and has_focus)):
        _add(round_, [added_need(one, by=person.who()) for one in new])


def _add(round_: Round, events: Sequence[Event]) -> None:
    try:
        cache.tried_inputs(with_changes(round_.sources, [row for one in events for row in one.changes]))
    except DataError as error:
        lines = [f"{one.message} {one.fix}" for one in error.problems[:_MOST_NAMED]]
        error_summary("These needs cannot be added", lines, occasion=hash(str(error)))
        return
    record_and_confirm(round_, events, f"{counted(len(events), 'need is', 'needs are')} added to the open round.")


# They name the needs of the open round.
_ABOUT_OLD_NEEDS = ("decisions", "baseline")


def _carried(schools: _Schools, round_: Round | None) -> dict[str, Source]:
    """Return the files of the new round: the schools looked at, and the supporters and rules of the open round."""
    sources = dict(schools.files)
    if round_ is not None and not schools.from_round:
        about_schools = ("schools", "ofsted", "links")
        sources |= {name: source for name, source in round_.sources.items() if name not in about_schools}
    # Neither the headers of the old needs nor the wish to leave rows out is about the new files.
    options = replace(options_of(sources).with_table("needs", None), leave_out=False)
    carried = with_options(sources, options)
    return {name: source for name, source in carried.items() if name not in _ABOUT_OLD_NEEDS}


def _new_round_words(schools: _Schools, round_: Round | None) -> str:
    if round_ is None:
        return "A new round starts with these schools and needs. It then asks for the supporters."
    whose = "the schools of the open round" if schools.from_round else "the schools that you uploaded here"
    start = (
        f"A new round starts with these needs, {whose}, and the supporters, accreditation and rules of the open round."
    )
    left_behind = any(name in round_.sources for name in _ABOUT_OLD_NEEDS)
    decisions = " It does not take over the decisions, because they name the old needs." if left_behind else ""
    return f"{start}{decisions} The open round stays as it is."


if __name__ == "__main__":
    show()
