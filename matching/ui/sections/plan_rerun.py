"""The best plan from here: what it would change, whom it disturbs and what it gains, before anybody accepts it."""

import pandas as pd
import streamlit as st

from matching.errors import DataError, counted
from matching.plan.compare import compare
from matching.rounds.decided_inputs import serving
from matching.tables.formats import PRIORITIES
from matching.ui.formatting import frames, markup
from matching.ui.state import session, workspace
from matching.ui.state.jobs import Job
from matching.ui.state.workspace import Opened, Rerun
from matching.ui.widgets.parts import show_progress
from matching.whatif.rerun import rerun_preview

_RERUN = "rerun"
_MOST_ROWS = 40


def show_changes(opened: Opened) -> None:
    """What people changed since the plan was made, and the way to the best plan from here, or its preview."""
    job = _job(opened)
    if job is None:
        if opened.live.is_changed:
            _offer(opened)
    elif not job.is_done:
        about_leaving = "You may go on with something else here. A decision that you record meanwhile ends it."
        show_progress(job, "The best plan from here is being found", about_leaving)
    elif job.result:
        _show_preview(opened, job.result)
    else:
        _tell_why_there_is_none(job)


def _job(opened: Opened) -> Job[Rerun] | None:
    """The plan that is being found or waits to be accepted; one from before the last decision is of no use now."""
    job: Job[Rerun] | None = st.session_state.get(_RERUN)
    now = (opened.round_.round_id, opened.round_.last_event)
    if job and (job.seen.round_id, job.seen.last_event) != now:
        job.stop()
        del st.session_state[_RERUN]
        return None
    return job


def _tell_why_there_is_none(job: Job[Rerun]) -> None:
    del st.session_state[_RERUN]
    if job.fault:
        session.set_back(job.fault)
    else:
        session.set_back_by_defect()
    st.rerun()


def _offer(opened: Opened) -> None:
    with st.container(key="rerun"):
        st.html(markup.banner("You have changed this plan since it was made.", _changed_words(opened), kind="warning"))
        if opened.is_approved:
            return
        if st.button("Find the best plan from here", type="primary"):
            try:
                st.session_state[_RERUN] = workspace.begin_rerun(opened.round_)
            except DataError as error:
                session.set_back(error)
            st.rerun()


def _changed_words(opened: Opened) -> list[str]:
    before, now = serving(opened.live.accepted.plan), serving(opened.plan)
    other = sum(before.get(need_id) != who for need_id, who in now.items())
    freed = len(set(before) - set(now))
    told = [f"{counted(other, 'need has', 'needs have')} somebody else"] if other else []
    told += [f"{counted(freed, 'need is', 'needs are')} free"] if freed else []
    lines = [f"{' and '.join(told)}."] if told else ["Everybody stays where they were."]
    gains = [
        f"{level['bound'] - level['value']:,} {level['level']}"
        for level in opened.plan.manifest["objective"][:-1]
        if level["bound"] > level["value"]
    ]
    if gains:
        lines.append(f"If others move, up to {' and '.join(gains)} more of the needs could be met.")
    lines.append("Whoever agreed, is active or was put there by you stays; nobody else moves without a gain.")
    return lines


def _show_preview(opened: Opened, found: Rerun) -> None:
    preview = rerun_preview(opened.plan, found.plan, found.inputs)
    with st.container(border=True, key="preview"):
        st.header("The best plan from here", anchor=False)
        st.html(markup.paragraph("Nothing is changed yet. Look at it, then accept it or leave it."))
        if why := session.cut_short_words(found.plan):
            st.html(markup.banner("There may be a better one.", [why], kind="warning"))
        st.html(markup.paragraph(*preview.sentences))
        _offer_choice(opened, found)
        levels, disturbed = st.columns(2, gap="large")
        with levels:
            levels_of = compare(opened.plan, found.plan).levels
            # What each priority reaches and the score; the Compare screen has the other counts too.
            table = frames.compared_levels(levels_of, opened.plan, found.plan).head(len(PRIORITIES) + 1)
            st.html(markup.table(table, "What it gains at each level", numeric=list(table.columns[1:])))
        with disturbed:
            _show_people(frames.disturbed(preview.people))
        moves = frames.moves(compare(opened.plan, found.plan).changes)
        if len(moves):
            with st.expander(f"Need by need ({len(moves)})"):
                st.html(markup.table(moves.head(_MOST_ROWS), "What it changes, need by need"))
                if len(moves) > _MOST_ROWS:
                    st.caption(f"The first {_MOST_ROWS} of {len(moves):,} are shown; the Compare screen has all.")


def _show_people(table: pd.DataFrame) -> None:
    if table.empty:
        st.html(markup.paragraph("Nobody is disturbed."))
        return
    st.html(markup.table(table.head(_MOST_ROWS), "Whom it concerns"))
    if len(table) > _MOST_ROWS:
        st.caption(f"The first {_MOST_ROWS} of {len(table):,} are shown.")


def _offer_choice(opened: Opened, found: Rerun) -> None:
    with st.container(horizontal=True):
        if st.button("Accept this plan", type="primary", key="accept_rerun"):
            accepted = workspace.accept(
                opened.round_, found.plan, found.inputs, found.sources, why="Best plan from what was decided"
            )
            if accepted:
                del st.session_state[_RERUN]
                st.rerun()
        if st.button("Leave it", key="leave_rerun"):
            del st.session_state[_RERUN]
            st.rerun()
