"""Who needs help: schools in challenging circumstances with the rule that put each there, and needs to tick."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd
import streamlit as st

from matching.errors import DataError, counted
from matching.inputs.headers import ReadingOptions
from matching.inputs.locations import options_of, with_options
from matching.inputs.triage import NEEDS_COLUMNS, Attainment, read_attainment, suggested_needs, triage, triage_as_text
from matching.plan.as_bytes import csv_bytes
from matching.rounds.round import Round
from matching.tables.files import Source
from matching.tables.formats import PRIORITIES
from matching.tables.vocabulary import standard_vocabulary
from matching.ui.formatting import frames, markup
from matching.ui.formatting.words import day
from matching.ui.state import attempts, cache, open_round
from matching.ui.state.params import screen_params
from matching.ui.steps import CHECK, TRIAGE
from matching.ui.widgets.layout import error_summary, go_to, screen_heading
from matching.ui.widgets.uploads import limit_sentence, upload_form, upload_slots

_MOST_LISTED = 30
_EVERYWHERE, _EVERY_RULE = "Everywhere", "Any reason"
_KEPT, _SHOWN, _GRIDS = "triage_kept", "triage_shown", "triage_grids"


@dataclass(frozen=True)
class _Schools:
    """The schools that are looked at: whose they are, what tells them from others, and the files to go on with."""

    frame: pd.DataFrame
    attainment: Attainment | None
    mark: str
    files: Mapping[str, Source]
    from_round: bool


@dataclass(frozen=True)
class _Began:
    """What a grid began from: of which needs, under which key, and its rows."""

    which: tuple[str, tuple[str, ...]]
    key: str
    rows: pd.DataFrame


def show() -> None:
    """Show the screen."""
    round_ = open_round.current()
    what = "It proposes and never decides: read the reasons, tick and edit what is right."
    if round_:
        screen_heading(TRIAGE, round_, what)
    else:
        st.html(markup.page_heading(TRIAGE.title, f"{TRIAGE.purpose} {what}"))
    schools = _schools(round_)
    if schools is None:
        return
    listed = _listed(schools)
    if listed.empty:
        st.html(markup.banner("No rule finds any of these schools.", [_about_grades(schools.frame)]))
        return
    _show_list(listed)
    _show_needs(listed, schools, round_)


# ---- schools -------------------------------------------------------------------------------------------------------


def _schools(round_: Round | None) -> _Schools | None:
    with st.expander("Use other files" if round_ else "The files to look at", expanded=round_ is None):
        st.html(
            markup.paragraph(
                "The schools table or the GIAS extract; Ofsted's file adds newer grades and the areas of report cards."
            )
        )
        st.html(markup.paragraph(limit_sentence(), quiet=True))
        with upload_form("triage"):
            uploaded = upload_slots(("schools", "ofsted", "links", "results"), "triage")
            st.form_submit_button("Look at these files", type="primary" if round_ is None else "secondary")
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
    mark = "_".join(source.sha256[:12] for source in (*chosen.values(), *([results] if results else [])))
    return _Schools(frame, attainment, mark, chosen, "schools" not in uploaded)


def _about_grades(frame: pd.DataFrame) -> str:
    graded = int((frame["ofsted"] != "").sum())
    return f"{graded:,} of {counted(len(frame), 'school')} have an overall grade. Where there is none, none is guessed."


def _listed(schools: _Schools) -> pd.DataFrame:
    """The list of the schools in the chosen place and for the chosen reason."""
    everywhere = triage(schools.frame, as_at=date.today(), attainment=schools.attainment)
    if everywhere.empty:
        return everywhere
    left, right = st.columns(2, gap="medium")
    authorities = sorted(everywhere["local_authority"].unique())
    place = left.selectbox("Local authority", [_EVERYWHERE, *authorities], key="triage_place")
    rules = everywhere.groupby("rule", sort=False)["reason"].first().map(_without_detail)
    wording = dict(rules)
    rule = right.selectbox(
        "Gravest reason",
        [_EVERY_RULE, *wording],
        format_func=lambda one: wording.get(one, one),
        key="triage_rule",
    )
    keep = everywhere["local_authority"].isin(authorities if place == _EVERYWHERE else [place])
    keep &= everywhere["rule"].isin(list(wording) if rule == _EVERY_RULE else [rule])
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
    st.header("Schools, the gravest first", anchor=False)
    if listed.empty:
        st.html(markup.paragraph("No school of this place is listed for this reason."))
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
        st.caption(f"The first {_MOST_LISTED} are shown; the download holds all {len(table):,}.")
    st.download_button(
        "Download the list (CSV)", csv_bytes(frames.safe_cells(text)), "triage.csv", "text/csv", on_click="ignore"
    )


# ---- needs ---------------------------------------------------------------------------------------------------------


def _show_needs(listed: pd.DataFrame, schools: _Schools, round_: Round | None) -> None:
    st.header("Proposed needs", anchor=False)
    proposed = _proposed(listed)
    st.html(
        markup.paragraph(
            "Tick the needs that you take up. Focus, priority, days and notes can be changed; days are not proposed, "
            "because only people know them. Ticks stay when you choose another place or reason."
        )
    )
    most = screen_params().most_needs_edited
    if len(proposed) > most:
        st.caption(f"The first {most} of {len(proposed):,} are shown; choose a local authority to see the others.")
        proposed = proposed.head(most)
    kept: dict[str, dict[str, object]] = st.session_state.setdefault(f"{_KEPT}_{schools.mark}", {})
    _tick_many(proposed, kept)
    edited = _grid(proposed, kept, schools.mark)
    for row in edited.to_dict("records"):
        kept[str(row["need_id"])] = {str(key): value for key, value in row.items()}
    taken = _taken(kept)
    _offer_needs(taken, schools, round_)


def _proposed(listed: pd.DataFrame) -> pd.DataFrame:
    """A row for each suggested need, and one without a focus for a school whose rule suggests none."""
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


def _tick_many(proposed: pd.DataFrame, kept: dict[str, dict[str, object]]) -> None:
    def set_all(take: bool) -> None:
        for row in proposed.to_dict("records"):
            earlier = kept.get(str(row["need_id"]), {str(key): value for key, value in row.items()})
            kept[str(row["need_id"])] = {**earlier, "take": take}
        st.session_state.pop(_SHOWN, None)

    with st.container(horizontal=True):
        st.button(f"Tick all {len(proposed):,}", on_click=set_all, args=(True,))
        st.button("Untick all", on_click=set_all, args=(False,))


def _grid(proposed: pd.DataFrame, kept: Mapping[str, Mapping[str, object]], mark: str) -> pd.DataFrame:
    """The needs to tick and edit. What the grid begins from must not move while it is edited."""
    which = (mark, tuple(proposed["need_id"]))
    began = st.session_state.get(_SHOWN)
    # A grid that was not on the screen the last time has forgotten what was done in it.
    if began is None or began.which != which or began.key not in st.session_state:
        st.session_state[_GRIDS] = st.session_state.get(_GRIDS, 0) + 1
        began = _Began(which, f"triage_needs_{st.session_state[_GRIDS]}", _as_kept(proposed, kept))
        st.session_state[_SHOWN] = began
    edited: pd.DataFrame = st.data_editor(
        began.rows,
        hide_index=True,
        height=405 if len(proposed) > 10 else "auto",
        column_order=["take", "school", "focus", "priority", "days", "notes", "need_id"],
        column_config={
            "take": st.column_config.CheckboxColumn("Take up", width="small"),
            "school": st.column_config.TextColumn("School", width="medium"),
            "focus": st.column_config.SelectboxColumn("Focus", options=list(standard_vocabulary().focuses)),
            "priority": st.column_config.SelectboxColumn("Priority", options=list(PRIORITIES), required=True),
            "days": st.column_config.NumberColumn("Days", min_value=0, max_value=10_000, step=0.25),
            "notes": st.column_config.TextColumn("Notes", width="large"),
            "need_id": st.column_config.TextColumn("Need"),
        },
        disabled=["school", "need_id"],
        key=began.key,
        placeholder="",
        alt="Proposed needs, to be ticked and edited",
    )
    return edited


def _as_kept(proposed: pd.DataFrame, kept: Mapping[str, Mapping[str, object]]) -> pd.DataFrame:
    """The proposed needs with what was ticked and edited of them before."""
    rows = [{**row, **kept.get(str(row["need_id"]), {})} for row in proposed.to_dict("records")]
    return pd.DataFrame(rows, columns=list(proposed.columns)).astype(proposed.dtypes.to_dict())


def _taken(kept: Mapping[str, Mapping[str, object]]) -> pd.DataFrame:
    """The ticked needs as a needs table, all text."""
    rows = [row for _, row in sorted(kept.items()) if row["take"]]
    return pd.DataFrame(
        [
            (
                row["need_id"],
                row["school_urn"],
                row["focus"] or "",
                "",
                "" if pd.isna(row["days"]) else f"{row['days']:g}",  # type: ignore[call-overload]
                row["priority"] or "normal",
                row["notes"] or "",
            )
            for row in rows
        ],
        columns=list(NEEDS_COLUMNS),
        dtype="object",
    )


def _offer_needs(taken: pd.DataFrame, schools: _Schools, round_: Round | None) -> None:
    if taken.empty:
        st.html(markup.paragraph("No need is ticked yet."))
        return
    without_focus = int((taken["focus"] == "").sum())
    st.html(
        markup.paragraph(f"{counted(len(taken), 'need')} of {counted(taken['school_urn'].nunique(), 'school')} ticked.")
    )
    if without_focus:
        st.html(
            markup.banner(
                f"{counted(without_focus, 'ticked need')} without a focus.",
                ["Choose what each is about, or untick it. No rule says so."],
                kind="warning",
            )
        )
    content = csv_bytes(frames.safe_cells(taken))
    st.html(markup.paragraph(_what_a_round_takes(schools, round_), quiet=True))
    with st.container(horizontal=True):
        st.download_button("Download needs.csv", content, "needs.csv", "text/csv", on_click="ignore")
        begin = st.button("Use as the needs of a new round", type="primary", disabled=without_focus > 0)
    if begin:
        sources = _carried(schools, round_) | {"needs": Source("needs.csv", content)}
        with st.spinner("Checking the files…"):
            attempts.try_files(open_round.suggested_name(), sources, anew=True)
        go_to(CHECK)


_OF_OLD_NEEDS = ("decisions", "baseline")


def _carried(schools: _Schools, round_: Round | None) -> dict[str, Source]:
    """What a new round takes over: the people of the open one, and the schools that were looked at."""
    sources = dict(schools.files)
    if round_ is not None and not schools.from_round:
        about_schools = ("schools", "ofsted", "links")
        sources |= {name: source for name, source in round_.sources.items() if name not in about_schools}
    options = options_of(sources)
    # What was said of the old needs, and that faulty rows go, was said of other files.
    said = {table: pairs for table, pairs in options.mappings.items() if table != "needs"}
    carried = with_options(sources, ReadingOptions(said))
    return {name: source for name, source in carried.items() if name not in _OF_OLD_NEEDS}


def _what_a_round_takes(schools: _Schools, round_: Round | None) -> str:
    if round_ is None:
        return "A new round takes these schools and needs; it then asks for the supporters."
    whose = "the open round's schools" if schools.from_round else "the schools that you gave here"
    left = [name for name in _OF_OLD_NEEDS if name in round_.sources]
    besides = " Its decisions stay behind, because they name its needs." if left else ""
    taken = f"A new round takes {whose}, its supporters, their accreditation and its rules"
    return f"{taken}; the open round stays as it is.{besides}"


if __name__ == "__main__":
    show()
