"""The best plan from here: what it gains and whom it affects, shown before it is accepted."""

import pandas as pd
import streamlit as st

from matching.errors import DataError, counted
from matching.plan.compare import KEPT_BONUS, SCORES
from matching.rounds.planning.run_inputs import serving
from matching.rounds.planning.standing import UNDONE
from matching.tables.formats import PRIORITIES
from matching.ui.formatting import comparisons, markup
from matching.ui.sections.confirmation import confirm, need_name
from matching.ui.state import plan_making, setbacks
from matching.ui.state.jobs import Job
from matching.ui.state.live_plan import Live, Opened
from matching.ui.state.plan_making import Rerun
from matching.ui.widgets.layout import show_progress
from matching.whatif.rerun import rerun_preview

_RERUN = "rerun"
_MOST_ROWS, _MOST_NAMED = 40, 10


def show_changes(opened: Opened) -> None:
    """Show what was changed since the plan was made, and a button for the best plan from here, or its preview."""
    job = _job(opened)
    if job is None:
        if opened.live.is_changed:
            _offer(opened)
    elif not job.is_done:
        about_leaving = "You can carry on with other work here. Recording a decision stops this search."
        show_progress(job, "The best plan from here is being found", about_leaving)
    elif job.result:
        _show_preview(opened, job.result)
    else:
        _report_failure(job)


def _job(opened: Opened) -> Job[Rerun] | None:
    """Return the search that is running or whose plan waits to be accepted; stop one that a decision has outdated."""
    job: Job[Rerun] | None = st.session_state.get(_RERUN)
    now = (opened.round_.round_id, opened.round_.last_event)
    if job and (job.seen.round_id, job.seen.last_event) != now:
        job.stop()
        del st.session_state[_RERUN]
        return None
    return job


def _report_failure(job: Job[Rerun]) -> None:
    del st.session_state[_RERUN]
    if job.fault:
        setbacks.set_back(job.fault)
    else:
        setbacks.set_back_by_defect()
    st.rerun()


def _offer(opened: Opened) -> None:
    with st.container(key="rerun"):
        if opened.live.unfounded:
            show_unfounded(opened.live, "This plan no longer follows from what is recorded.", *_changed_words(opened))
        else:
            title = "This plan has changed since it was made."
            st.html(markup.banner(title, _changed_words(opened), kind="warning"))
        if opened.is_approved:
            return
        if st.button("Find the best plan from here", type="primary"):
            try:
                st.session_state[_RERUN] = plan_making.begin_rerun(opened.round_)
            except DataError as error:
                setbacks.set_back(error)
            st.rerun()


def _changed_words(opened: Opened) -> list[str]:
    before, now = serving(opened.live.accepted.plan), serving(opened.plan)
    other = sum(before.get(need_id) != supporter_id for need_id, supporter_id in now.items())
    freed = len(set(before) - set(now))
    changes = [f"{counted(other, 'need has', 'needs have')} another supporter"] if other else []
    changes += [f"{counted(freed, 'need no longer has', 'needs no longer have')} a supporter"] if freed else []
    lines = [f"{' and '.join(changes)}."] if changes else []
    if not changes and not opened.live.unfounded:
        lines = ["No deployment changes."]
    if opened.live.has_other_tables:
        known = {*before, *opened.live.accepted.plan.unmet["need_id"]}
        new = len({*opened.needs["need_id"]} - known)
        with_new = f", with {counted(new, 'new need')}" if new else ""
        lines.insert(0, f"The tables have changed since{with_new}.")
    gains = [
        counted(level["bound"] - level["value"], f"more {level['level']} need")
        for level in opened.plan.manifest["objective"][:-1]
        if level["bound"] > level["value"]
    ]
    if gains:
        lines.append(f"If other deployments change, up to {' and '.join(gains)} could be met.")
    lines.append(
        "A new plan keeps your own placements and what is agreed, active, paused or completed. Another deployment "
        "changes only where the plan gains."
    )
    return lines


def show_unfounded(found: Live, title: str, *lines: str) -> None:
    """Show a warning that names each deployment that no longer follows from what is recorded."""
    named = _unfounded_words(found)
    more = [f"And {counted(len(named) - _MOST_NAMED, 'more deployment')}."] if len(named) > _MOST_NAMED else []
    st.html(markup.banner(title, [*named[:_MOST_NAMED], *more, *lines], kind="warning"))
    if more:
        with st.expander(f"Show all {len(named):,} deployments"):
            st.html(markup.bullets(named))


def _unfounded_words(found: Live) -> list[str]:
    rows = {row["need_id"]: row for row in found.plan.deployments.to_dict("records")}
    sentences = []
    for one in found.unfounded:
        row = rows[one.need_id]
        why = " and ".join(_WHY_UNFOUNDED.get(rule, f"against the rule “{rule}”") for rule in one.rules)
        who, school = row["supporter_name"], row["school_name"]
        sentences.append(f"{who} ({one.supporter_id}) at {school} ({one.need_id}): {why}.")
    return sentences


_WHY_UNFOUNDED = {
    UNDONE: "the placement by hand is undone",
    "dates": "not available at the time",
    "places": "more needs than places offered",
    "days": "more days than offered",
    "distance": "too far",
    "accreditation": "not accredited",
    "conflict": "a conflict of interest",
}


def _show_preview(opened: Opened, found: Rerun) -> None:
    preview = rerun_preview(opened.plan, found.plan, opened.market.inputs, found.inputs)
    with st.container(border=True, key="preview"):
        st.header("The best plan from here", anchor=False)
        st.html(markup.paragraph("Nothing has changed yet. Look at this plan, then accept it or discard it."))
        if why := plan_making.cut_short_words(found.plan):
            st.html(markup.banner("There may be a better plan.", [why], kind="warning"))
        st.html(markup.paragraph(*preview.sentences))
        _offer_choice(opened, found)
        levels, affected = st.columns(2, gap="large")
        comparison = preview.comparison
        with levels:
            # The priorities and the scores; the Compare screen has the other counts too.
            gains = comparison.levels[comparison.levels["level"].isin([*PRIORITIES, *SCORES, KEPT_BONUS])]
            table = comparisons.levels(gains, "Before", "After")
            st.html(markup.table(table, "What this plan gains", numeric=list(table.columns[1:])))
        with affected:
            names = {str(row["need_id"]): need_name(row) for row in opened.needs.to_dict("records")}
            _show_people(comparisons.disturbed(preview.people, names))
        moves = comparisons.moves(comparison.changes)
        if len(moves):
            with st.expander(f"Show the changes need by need ({len(moves)})"):
                st.html(markup.table(moves.head(_MOST_ROWS), "What this plan changes, need by need"))
                if len(moves) > _MOST_ROWS:
                    st.caption(
                        f"The first {_MOST_ROWS} of {len(moves):,} changes are shown. Once the plan is accepted, the "
                        "Compare screen shows all of them."
                    )


def _show_people(table: pd.DataFrame) -> None:
    if table.empty:
        st.html(markup.paragraph("No deployment changes."))
        return
    st.html(markup.table(table.head(_MOST_ROWS), "Who is affected"))
    if len(table) > _MOST_ROWS:
        st.caption(f"The first {_MOST_ROWS} of {len(table):,} people are shown.")


def _offer_choice(opened: Opened, found: Rerun) -> None:
    with st.container(horizontal=True):
        if st.button("Accept this plan", type="primary", key="accept_rerun"):
            accepted = plan_making.accept(
                opened.round_, found.plan, found.inputs, found.sources, why="Best plan from here"
            )
            if accepted:
                del st.session_state[_RERUN]
                confirm(accepted, 1, ["Accepted: this is the plan now. The earlier one is kept."])
        if st.button("Discard it", key="discard_rerun"):
            del st.session_state[_RERUN]
            st.rerun()
