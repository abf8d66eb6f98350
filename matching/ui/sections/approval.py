"""Approval: what matters before it, each point ticked; the approved version, what differs in it, and reopening."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from matching.errors import counted
from matching.plan.compare import compare
from matching.plan.unmet.wording import STILL_OPEN
from matching.rounds.events import HELD
from matching.rounds.round import PlanRecord, Round
from matching.tables.formats import PRIORITIES
from matching.ui.formatting import markup
from matching.ui.formatting.words import day, moment, of
from matching.ui.state import cache, session
from matching.ui.state.delivery import Handed, approved_version, approved_versions, files_of, version_of
from matching.ui.widgets.parts import name_box

_MOST_ROWS = 100
_PRIORITY_COLOURS = {"critical": "red", "high": "yellow", "normal": "grey"}


@dataclass(frozen=True)
class Point:
    """One thing to look at before a plan is approved.

    Attributes
    ----------
    name : str
        Of ours, for keys.
    title : str
        What was found, as a sentence.
    lines : sequence of str
        The rest of it.
    table : DataFrame or None
        What there is to go through, under the headings of the screen.
    """

    name: str
    title: str
    lines: Sequence[str] = ()
    table: pd.DataFrame | None = None


# ---- before approval -----------------------------------------------------------------------------------------------


def show_check(round_: Round, found: Handed) -> None:
    """Go through every point, then approve."""
    points = list(points_of(round_, found))
    st.html(
        markup.paragraph(
            "Look at every point once and tick it. When all are ticked, the plan can be approved: it is then frozen "
            "until somebody reopens it."
        )
    )
    ticked = [_show_point(number, one, found.digest) for number, one in enumerate(points, start=1)]
    _show_differences(round_, found, approved_versions(round_))
    _offer_approval(round_, found, ticked.count(False))


def _show_point(number: int, point: Point, digest: str) -> bool:
    with st.container(border=True, key=f"point_{point.name}"):
        st.html(markup.heading(f"{number}. {point.title}", 2) + markup.sentences(point.lines))
        if point.table is not None and len(point.table):
            with st.expander(f"Show {counted(len(point.table), 'row')}"):
                st.html(markup.table(point.table.head(_MOST_ROWS), point.title, tags=_PRIORITY_COLOURS))
                if len(point.table) > _MOST_ROWS:
                    st.caption(f"The first {_MOST_ROWS} of {len(point.table):,} are shown; the files hold all.")
        # The plan is part of the key: once it changes, what was ticked was another one.
        return st.checkbox(f"I have looked at point {number}", key=f"seen_{point.name}_{digest[:12]}")


def _offer_approval(round_: Round, found: Handed, left: int) -> None:
    st.header("Approve", anchor=False)
    with st.container(border=True, key="approve"):
        name_box()
        remark = st.text_area("Remark (optional)", max_chars=1000, help="It goes into the history with the approval.")
        if left:
            st.html(markup.paragraph(f"First tick {counted(left, 'more point')} above.", quiet=True))
        if st.button("Approve this plan", type="primary", disabled=left > 0):
            session.change(
                lambda: session.store().approve(round_, found.files, by=session.who(), why=(remark or "").strip())
            )
            st.rerun()


def points_of(round_: Round, found: Handed) -> Iterator[Point]:
    """What matters before a plan is approved; what there is nothing to say of is left out."""
    yield _needs_point(found)
    yield from _open_points(found)
    yield from _agreement_points(found)
    yield from _broken_points(found)
    yield from _proof_points(found)
    if session.is_outdated(round_, found.saved):
        yield Point("rules", "The rules were changed after the plan was made.", ["The plan is of the rules before."])
    if notices := found.plan.manifest["notices"]:
        yield Point("notices", f"There {_be(len(notices), 'notice')} to read.", [f"- {one}" for one in notices])


def _needs_point(found: Handed) -> Point:
    met, unmet = found.plan.deployments, found.plan.unmet
    title = f"{of(len(met), len(met) + len(unmet))} needs are met, and {len(unmet):,} are not."
    urgent = [
        f"{counted(count, f'{priority} need')} unmet"
        for priority in PRIORITIES[:2]
        if (count := int((unmet["priority"] == priority).sum()))
    ]
    first = [f"Among them: {'; '.join(urgent)}."] if urgent else ["Every critical and every high need is met."]
    return Point("needs", title, first if len(unmet) else [], _by_priority(unmet))


def _by_priority(unmet: pd.DataFrame) -> pd.DataFrame:
    rank = unmet["priority"].map({priority: place for place, priority in enumerate(PRIORITIES)})
    rows = unmet.assign(rank=rank).sort_values(["rank", "need_id"])
    return pd.DataFrame(
        {
            "Need": rows["need_id"],
            "Priority": rows["priority"],
            "School": rows["school_name"],
            "Focus": rows["focus"],
            "Why it is unmet": rows["reason"],
            "Nearest option": rows["nearest_option"],
        }
    )


def _open_points(found: Handed) -> Iterator[Point]:
    still_open = found.plan.unmet[found.plan.unmet["reason_code"] == STILL_OPEN]
    if len(still_open):
        title = f"{counted(len(still_open), 'unmet need')} could be met: somebody who is free could go."
        lines = ["Make the plan again from here, or choose somebody on the Plan screen."]
        yield Point("open", title, lines, _by_priority(still_open))


def _agreement_points(found: Handed) -> Iterator[Point]:
    rows = found.plan.deployments
    pairs = zip(rows["need_id"], rows["supporter_id"], strict=True)
    status = pd.Series([found.desk.status_of(*pair) for pair in pairs], index=rows.index, dtype="object")
    waiting = rows.assign(status=status)[~status.isin(HELD)]
    if waiting.empty:
        return
    title = f"{of(len(waiting), len(rows))} deployments are not agreed yet."
    lines = ["Nobody has recorded that supporter and school said yes. You may approve the plan before they do."]
    table = pd.DataFrame(
        {
            "Need": waiting["need_id"],
            "School": waiting["school_name"],
            "Focus": waiting["focus"],
            "Supporter": waiting["supporter_name"] + " (" + waiting["supporter_id"] + ")",
            "Status": waiting["status"],
        }
    )
    yield Point("agreed", title, lines, table)


def _broken_points(found: Handed) -> Iterator[Point]:
    broken = [one for _, one in sorted(found.desk.placements.items()) if one.broken]
    if not broken:
        return
    table = pd.DataFrame(
        [(one.need_id, one.supporter_id, ", ".join(one.broken), one.by, day(one.on), one.reason) for one in broken],
        columns=["Need", "Supporter", "Rules it breaks", "By", "On", "Reason"],
    )
    title = f"{counted(len(broken), 'placement')} by hand {'breaks' if len(broken) == 1 else 'break'} a rule."
    yield Point("broken", title, ["Somebody said that this is so, and why."], table)


def _proof_points(found: Handed) -> Iterator[Point]:
    manifest = found.plan.manifest
    behind = [
        f"- {level['level']}: {level['value']:,} of at most {level['bound']:,}"
        for level in manifest["objective"]
        if level["value"] != level["bound"]
    ]
    cut_short = session.cut_short_words(found.plan)
    if not behind and not cut_short:
        return
    title = "The plan is not proved to be the best." if behind else "The search for the plan was cut short."
    by_hand = ["Changes by hand can cost something: these are the levels that a new plan might raise."]
    yield Point("proof", title, [*filter(None, [cut_short]), *(by_hand if found.decisions else []), *behind])


def _be(count: int, noun: str) -> str:
    return f"{'is' if count == 1 else 'are'} {counted(count, noun)}"


# ---- after approval ------------------------------------------------------------------------------------------------


def show_approval(round_: Round, found: Handed) -> None:
    """Who approved what, what differs from the version before, and the way to reopen it."""
    record = approved_version(round_)
    if record is None:
        return
    if record.note:
        st.html(markup.paragraph(f"Remark: {record.note}"))
    versions = approved_versions(round_)
    _show_differences(round_, found, versions[: version_of(round_, record) - 1])
    with st.expander("Reopen the plan"):
        st.html(
            markup.paragraph(
                f"Then it can be changed again and has to be approved anew. Version {version_of(round_, record)} is "
                "kept as it is."
            )
        )
        name_box()
        why = st.text_input("Reason for reopening", max_chars=500, help="It goes into the history.")
        if st.button("Reopen the plan", type="primary"):
            _reopen(round_, (why or "").strip())


def _reopen(round_: Round, why: str) -> None:
    if not why:
        st.html(
            markup.banner("Give a reason first.", ["Whoever has the approved plan will ask for it."], kind="warning")
        )
        return
    session.change(lambda: session.store().reopen(round_, by=session.who(), why=why))
    st.rerun()


def _show_differences(round_: Round, found: Handed, earlier: Sequence[PlanRecord]) -> None:
    """What differs from the last version that was approved before, and the earlier versions."""
    if not earlier:
        return
    last = earlier[-1]
    before = cache.saved_plan(files_of(round_, last.number)).plan
    found_changes = compare(before, found.plan)
    with st.container(border=True, key="differences"):
        st.html(
            markup.heading(f"What differs from version {version_of(round_, last)}", 2)
            + markup.sentences(found_changes.sentences())
        )
        if len(found_changes.changes):
            with st.expander(f"Show {counted(len(found_changes.changes), 'need')} that differ"):
                table = _changes_table(found_changes.changes.head(_MOST_ROWS))
                st.html(markup.table(table, "Needs that are served otherwise"))
    st.header("Earlier approved versions", anchor=False)
    for one in reversed(earlier):
        _show_version(round_, one)


def _changes_table(changes: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Need": changes["need_id"],
            "School": changes["school_name"],
            "Focus": changes["focus"],
            "Before": _person(changes, "before"),
            "Now": _person(changes, "after"),
        }
    )


def _person(changes: pd.DataFrame, side: str) -> np.ndarray:
    names, identifiers = changes[f"supporter_name_{side}"], changes[f"supporter_id_{side}"]
    return np.where(identifiers == "", "Nobody", names + " (" + identifiers + ")")


def _show_version(round_: Round, record: PlanRecord) -> None:
    number = version_of(round_, record)
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"version_{number}"):
        with st.container(width="stretch", gap=None):
            st.html(
                markup.paragraph(
                    f"Version {number}, approved by {record.made_by or 'somebody'} on {moment(record.made_at)}"
                )
                + (markup.paragraph(record.note, quiet=True) if record.note else "")
            )
        st.download_button(
            f"Download version {number} (zip)",
            lambda: cache.packed(files_of(round_, record.number)),
            f"plan-version-{number}.zip",
            "application/zip",
            on_click="ignore",
        )
