"""Approval: the points to check first, the approved version with its differences, and reopening."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from matching.errors import counted
from matching.plan.compare import compare
from matching.plan.unmet.wording import STILL_OPEN
from matching.rounds.history.events import HELD
from matching.rounds.round import PlanRecord, Round
from matching.tables.formats import PRIORITIES
from matching.ui.formatting import comparisons, markup
from matching.ui.formatting.words import day, moment, of
from matching.ui.sections.plan_rerun import show_unfounded
from matching.ui.sections.proof import unproved_levels
from matching.ui.sections.unmet_needs import PRIORITY_COLOURS, unmet_table
from matching.ui.state import cache, drafted_rules, open_round, person, plan_making
from matching.ui.state.delivery import Handed, approved_version, approved_versions, files_of, version_of

_MOST_ROWS = 100


@dataclass(frozen=True)
class Point:
    """One thing to check before a plan is approved.

    Attributes
    ----------
    name : str
        Code of the point, for keys.
    title : str
        What was found, as a sentence.
    lines : sequence of str
        More sentences.
    table : DataFrame or None
        The rows to look through, under the headings of the screen.
    """

    name: str
    title: str
    lines: Sequence[str] = ()
    table: pd.DataFrame | None = None


# ---- before approval -----------------------------------------------------------------------------------------------


def show_check(round_: Round, found: Handed) -> None:
    """Show every point with a box to tick, then the approval."""
    points = list(points_of(round_, found))
    st.html(
        markup.paragraph(
            "Check every point and tick it. Once all are ticked you can approve the plan. An approved plan cannot be "
            "changed until it is reopened."
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
                st.html(markup.table(point.table.head(_MOST_ROWS), point.title, tags=PRIORITY_COLOURS))
                if len(point.table) > _MOST_ROWS:
                    st.caption(
                        f"The first {_MOST_ROWS} of {len(point.table):,} rows are shown. The files hold all of them."
                    )
        # The plan is part of the key, so that the ticks of one plan do not count for another.
        return st.checkbox(f"I have checked point {number}", key=f"seen_{point.name}_{digest[:12]}")


def _offer_approval(round_: Round, found: Handed, unticked: int) -> None:
    st.header("Approve", anchor=False)
    with st.container(border=True, key="approve"):
        remark = st.text_area("Remark (optional)", max_chars=1000, help="The history keeps it with the approval.")
        st.html(markup.paragraph(f"The approval is recorded as yours, {person.who()}.", quiet=True))
        is_unfounded = found.live is not None and bool(found.live.unfounded)
        if found.live and is_unfounded:
            title = "This plan no longer follows from what is recorded, so it cannot be approved."
            fix = "Find the best plan from here on the Plan screen, or keep each of these by name of its rule."
            show_unfounded(found.live, title, fix)
        elif unticked:
            st.html(markup.paragraph(f"First tick {counted(unticked, 'more point')} above.", quiet=True))
        if st.button("Approve this plan", type="primary", disabled=unticked > 0 or is_unfounded):
            open_round.change(
                lambda: open_round.store().approve(round_, found.files, by=person.who(), why=(remark or "").strip())
            )
            st.rerun()


def points_of(round_: Round, found: Handed) -> Iterator[Point]:
    """Yield the points to check before a plan is approved; a point with nothing to check is left out."""
    yield _needs_point(found)
    yield from _open_points(found)
    yield from _agreement_points(found)
    yield from _broken_points(found)
    yield from _proof_points(found)
    if drafted_rules.is_outdated(round_, found.saved):
        yield Point(
            "rules", "The rules have changed since the plan was made.", ["This plan was made with the earlier rules."]
        )
    if notices := found.plan.manifest["notices"]:
        yield Point("notices", f"There {_be(len(notices), 'notice')} to read.", [f"- {one}" for one in notices])


def _needs_point(found: Handed) -> Point:
    met, unmet = found.plan.deployments, found.plan.unmet
    title = f"{of(len(met), len(met) + len(unmet))} needs are met, and {len(unmet):,} are not."
    urgent = [
        counted(count, f"{priority} need")
        for priority in PRIORITIES[:2]
        if (count := int((unmet["priority"] == priority).sum()))
    ]
    first = (
        [f"The unmet needs include {' and '.join(urgent)}."]
        if urgent
        else ["Every critical and every high need is met."]
    )
    return Point("needs", title, first if len(unmet) else [], _unmet(unmet))


def _unmet(unmet: pd.DataFrame) -> pd.DataFrame:
    return unmet_table(unmet.rename(columns={"school_name": "school"}))


def _open_points(found: Handed) -> Iterator[Point]:
    still_open = found.plan.unmet[found.plan.unmet["reason_code"] == STILL_OPEN]
    if len(still_open):
        title = f"{counted(len(still_open), 'unmet need')} could be met: an eligible supporter is free."
        lines = ["Find the best plan from here on the Plan screen, or place a supporter there by hand."]
        yield Point("open", title, lines, _unmet(still_open))


def _agreement_points(found: Handed) -> Iterator[Point]:
    rows = found.plan.deployments
    pairs = zip(rows["need_id"], rows["supporter_id"], strict=True)
    status = pd.Series([found.state.status_of(*pair) for pair in pairs], index=rows.index, dtype="object")
    waiting = rows.assign(status=status)[~status.isin(HELD)]
    if waiting.empty:
        return
    title = f"{of(len(waiting), len(rows))} deployments are not agreed yet."
    lines = ["No one has recorded that the supporter and the school agreed. You can approve the plan before they do."]
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
    broken = [one for _, one in sorted(found.state.placements.items()) if one.broken]
    if not broken:
        return
    rows = found.plan.deployments.set_index("need_id").reindex([one.need_id for one in broken]).fillna("").reset_index()
    table = pd.DataFrame(
        {
            "Need": rows["need_id"],
            "School": rows["school_name"],
            "Focus": rows["focus"],
            "Supporter": rows["supporter_name"] + " (" + rows["supporter_id"] + ")",
            "Rules broken": [", ".join(one.broken) for one in broken],
            "By": [one.by for one in broken],
            "On": [day(one.on) for one in broken],
            "Reason": [one.reason for one in broken],
        }
    )
    title = f"{counted(len(broken), 'placement')} by hand {'breaks' if len(broken) == 1 else 'break'} a rule."
    yield Point("broken", title, ["The reason given for each is in the table."], table)


def _proof_points(found: Handed) -> Iterator[Point]:
    unproved = [f"- {words}" for words in unproved_levels(found.plan)]
    cut_short = plan_making.cut_short_words(found.plan)
    if not unproved and not cut_short:
        return
    title = "The plan is not proved to be the best." if unproved else "The search for the plan was cut short."
    by_hand = ["Changes by hand can make a plan worse. A new plan might raise these levels:"]
    yield Point("proof", title, [*filter(None, [cut_short]), *(by_hand if found.decisions else []), *unproved])


def _be(count: int, noun: str) -> str:
    return f"{'is' if count == 1 else 'are'} {counted(count, noun)}"


# ---- after approval ------------------------------------------------------------------------------------------------


def show_approval(round_: Round, found: Handed) -> None:
    """Show the approved version with its remark, what differs from the version before, and how to reopen it."""
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
                "A reopened plan can be changed, and has to be approved again. "
                f"Version {version_of(round_, record)} is kept as it is."
            )
        )
        why = st.text_input("Reason for reopening", max_chars=500, help="The history keeps it.")
        if st.button("Reopen the plan", type="primary"):
            _reopen(round_, (why or "").strip())


def _reopen(round_: Round, why: str) -> None:
    if not why:
        line = "People who already have the approved plan will ask for it."
        st.html(markup.banner("Give a reason first.", [line], kind="warning"))
        return
    open_round.change(lambda: open_round.store().reopen(round_, by=person.who(), why=why))
    st.rerun()


def _show_differences(round_: Round, found: Handed, earlier: Sequence[PlanRecord]) -> None:
    """Show what differs from the last version that was approved before, and list the earlier versions."""
    if not earlier:
        return
    last = earlier[-1]
    before = cache.saved_plan(files_of(round_, last.number))
    comparison = compare(before.plan, found.plan, lambda: (cache.market_of(before).inputs, found.inputs))
    with st.container(border=True, key="differences"):
        st.html(
            markup.heading(f"What differs from version {version_of(round_, last)}", 2)
            + markup.sentences(comparison.sentences())
        )
        if len(comparison.changes):
            with st.expander(f"Show {counted(len(comparison.changes), 'changed need')}"):
                table = _changes_table(comparison.changes.head(_MOST_ROWS))
                st.html(markup.table(table, "Needs with another supporter than before"))
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
    return np.where(identifiers == "", comparisons.NO_SUPPORTER, names + " (" + identifiers + ")")


def _show_version(round_: Round, record: PlanRecord) -> None:
    number = version_of(round_, record)
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"version_{number}"):
        with st.container(width="stretch", gap=None):
            st.html(
                markup.paragraph(
                    f"Version {number}, approved by {record.made_by or 'an unnamed user'} on {moment(record.made_at)}"
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
