"""Compare: two plans side by side, and scenarios, one of which can be made the accepted plan."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd
import streamlit as st

from matching.allocation import allocate
from matching.errors import DataError, Problem, counted
from matching.inputs.official.boundaries import boundary_lines
from matching.pairs.market import Market
from matching.plan.as_bytes import plan_files
from matching.plan.compare import Comparison, compare
from matching.plan.write import Plan
from matching.rounds.desk.support_table import plan_cost
from matching.rounds.history.state import state_of
from matching.rounds.round import PlanRecord, Round
from matching.tables.csv_out import csv_bytes
from matching.ui.formatting import comparisons, frames, markup
from matching.ui.formatting.words import moment
from matching.ui.sections.plan_map import box_of, given_boundaries, schools_in
from matching.ui.state import cache, drafted_rules, live_plan, open_round, person, plan_making, setbacks
from matching.ui.steps import COMPARE, PLAN
from matching.ui.widgets import maps
from matching.ui.widgets.layout import go_to, round_or_stop, screen_heading, way_on

_NOW = "now"
_ACCEPTED = "accepted"
_KINDS = {"optimised": "Plan", "scenario": "Scenario", "approved": "Approved version"}
_MOST_ROWS = 100


@dataclass(frozen=True)
class _Side:
    """One of the two plans, with the market that it was made from."""

    plan: Plan
    market: Market


def show() -> None:
    """Show the screen."""
    round_ = round_or_stop(COMPARE)
    if round_.files is None:
        screen_heading(COMPARE, round_, "There is no plan to compare yet.")
        way_on(PLAN, "Go to Plan")
        return
    screen_heading(COMPARE, round_, "Then keep the plan that serves the schools best.")
    _show_comparison(round_)
    _show_scenarios(round_)
    way_on(PLAN, "Back to Plan")


# ---- two plans -----------------------------------------------------------------------------------------------------


def _show_comparison(round_: Round) -> None:
    labels = dict(_choices(round_))
    left, right = st.columns(2, gap="medium")
    begin = list(labels).index(_first_before(round_))
    first = left.selectbox(
        "Before", list(labels), index=begin, format_func=lambda one: labels.get(one, ""), key="before"
    )
    second = right.selectbox("After", list(labels), index=0, format_func=lambda one: labels.get(one, ""), key="after")
    if first == second:
        st.html(markup.paragraph("The same plan is chosen twice. Choose another plan on one side."))
        return
    before, after = _side(round_, first), _side(round_, second)
    found = compare(before.plan, after.plan, lambda: (before.market.inputs, after.market.inputs))
    st.html(markup.banner(" ".join(found.sentences())))
    _offer_earlier(round_, [first, second])
    _show_numbers(found, _costs(round_, before, after))
    _show_moves(found)
    if len(found.changes):
        _show_map(before, after, found)


def _offer_earlier(round_: Round, keys: Sequence[str]) -> None:
    """Offer to make an earlier plan that is compared the accepted one again."""
    numbers = [int(which) for kind, _, which in (one.partition(" ") for one in keys) if kind == "plan"]
    for record in (one for one in round_.plans if one.number in numbers and one.kind == "optimised"):
        if round_.approved is None and st.button(
            f"Make plan {record.number} the accepted plan again",
            key=f"choose_{record.number}",
            help="Every decision stays, and so do the tables. The present plan is kept, and this can be undone.",
        ):
            _choose(round_, record, f"Plan {record.number} again")


def _first_before(round_: Round) -> str:
    """Return the key of the first choice: the accepted plan or, if nothing has changed since, the one before it."""
    earlier = [one.number for one in round_.plans if one.kind == "optimised" and one.number != round_.current]
    return f"plan {earlier[-1]}" if earlier and not live_plan.live(round_).is_changed else _ACCEPTED


def _choices(round_: Round) -> Iterator[tuple[str, str]]:
    """Yield the plans that can be compared: the key of each, and its words."""
    yield _NOW, "The plan as it is now"
    yield _ACCEPTED, "The accepted plan, without later decisions"
    for one in reversed(round_.plans):
        if one.number != round_.current:
            yield f"plan {one.number}", _record_words(one)
    for other in open_round.store().list():
        if other.allocated and other.round_id != round_.round_id:
            yield f"round {other.round_id}", f"Round “{other.name}”, started on {moment(other.created_at)}"


def _record_words(record: PlanRecord) -> str:
    named = f" “{record.name}”" if record.name else f" {record.number}"
    return f"{_KINDS.get(record.kind, 'Plan')}{named}, made on {moment(record.made_at)}"


def _side(round_: Round, key: str) -> _Side:
    kind, _, which = key.partition(" ")
    if kind == _NOW:
        found = live_plan.live(round_)
        return _Side(found.plan, found.market)
    saved = cache.saved_plan(_files(round_, kind, which))
    return _Side(saved.plan, cache.market_of(saved))


def _files(round_: Round, kind: str, which: str) -> Mapping[str, bytes]:
    if kind == "plan":
        return open_round.store().plan_files(round_.round_id, int(which))
    held = open_round.store().get(which) if kind == "round" else round_
    if held is None or held.files is None:
        message, fix = "That round no longer has a plan.", "Choose another one."
        raise DataError([Problem("round", None, "", "", message, fix)])
    return held.files


def _costs(round_: Round, before: _Side, after: _Side) -> tuple[Decimal, Decimal] | None:
    """Return what each plan costs under the rates of the open round, or None without rates."""
    state = state_of(round_.events)
    if not state.rates:
        return None
    return plan_cost(before.plan.deployments, state), plan_cost(after.plan.deployments, state)


def _show_numbers(found: Comparison, costs: tuple[Decimal, Decimal] | None) -> None:
    levels, workload = st.columns(2, gap="large")
    with levels:
        table = comparisons.levels(found.levels, "Before", "After")
        if costs:
            table.loc[len(table)] = ["Cost of the days agreed or asked for", *comparisons.pounds(*costs)]
        st.html(markup.table(table, "What each plan reaches", numeric=list(table.columns[1:])))
    with workload:
        people = comparisons.compared_workload(found.workload)
        if people.empty:
            st.html(markup.paragraph("Every supporter has the same number of deployments in both plans."))
        else:
            caption = f"{counted(len(people), 'supporter has', 'supporters have')} more or fewer deployments"
            st.html(markup.table(people.head(_MOST_ROWS), caption, numeric=list(people.columns[1:])))


def _show_moves(found: Comparison) -> None:
    if not len(found.changes):
        return
    st.header("Who moved", anchor=False)
    moves = comparisons.moves(found.changes)
    st.html(markup.table(moves.head(_MOST_ROWS), f"{counted(len(moves), 'need')} with a different supporter"))
    if len(moves) > _MOST_ROWS:
        st.caption(
            f"The first {_MOST_ROWS} of {len(moves):,} changes are shown. Download the changes to see all of them."
        )
    # Made when it is asked for: the browser looks for a ready-made file even after leaving the screen.
    st.download_button(
        "Download the changes (CSV)",
        lambda: csv_bytes(frames.safe_cells(found.changes)),
        "changes.csv",
        "text/csv",
        on_click="ignore",
    )


def _show_map(before: _Side, after: _Side, found: Comparison) -> None:
    st.header("On the map", anchor=False)
    sides = [frames.needs(one.market, one.plan) for one in (before, after)]
    changed = set(found.changes["need_id"].head(maps.MOST_ON_MAP))
    # In a large plan the other needs would hide the ones that changed.
    if max(map(len, sides)) > maps.MOST_ON_MAP:
        sides = [one[one["need_id"].isin(changed)] for one in sides]
    box = box_of(pd.concat(sides))
    given = given_boundaries()
    boundaries = boundary_lines(given, box) if given else None
    st.vega_lite_chart(
        maps.comparison_map(schools_in(after.market, box), *sides, boundaries=boundaries),
        theme=None,
        alt="Map of both plans. The style of a line shows whether a deployment is in both plans, only before or only "
        "after. The table above lists the differences.",
    )


# ---- scenarios -----------------------------------------------------------------------------------------------------


def _show_scenarios(round_: Round) -> None:
    st.header("Scenarios", anchor=False)
    st.html(
        markup.paragraph(
            "A scenario is a second plan, made with other rules. Change the rules on the Rules screen first, then make "
            "the scenario here. Decisions are kept, and the plan stays as it is until you choose a scenario."
        )
    )
    _offer_scenario(round_)
    for one in round_.plans:
        if one.kind == "scenario":
            _show_scenario(round_, one)


def _offer_scenario(round_: Round) -> None:
    with st.form(f"scenario_{round_.last_event}", border=True):
        name = st.text_input("Name of the scenario", max_chars=100, key=f"scenario_name_{round_.last_event}")
        why = st.text_input("What it should show (optional)", max_chars=500, key=f"scenario_why_{round_.last_event}")
        if st.form_submit_button("Make the scenario"):
            if not name.strip():
                message, fix = "The scenario has no name.", "Give it a name that is different from the others."
                setbacks.set_back(DataError([Problem("scenario", None, "name", "", message, fix)]))
                st.rerun()
            _make_scenario(round_, name.strip(), why.strip())


def _make_scenario(round_: Round, name: str, why: str) -> None:
    with st.spinner("Making the scenario…"):
        run = plan_making.with_decided(round_, plan_making.undecided_sources(round_, stay_close=False))
        ready = cache.market_of_run(run)
        plan = allocate(ready.inputs, market=ready)
        files = plan_files(plan, ready.inputs)
    if open_round.change(lambda: open_round.store().save_scenario(round_, name, files, by=person.who(), why=why)):
        st.rerun()


def _show_scenario(round_: Round, record: PlanRecord) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"scenario_{record.number}"):
        with st.container(width="stretch", gap=None):
            current = " (this is the accepted plan)" if record.number == round_.current else ""
            st.html(markup.heading(f"{record.name}{current}"))
            st.html(
                markup.paragraph(
                    *filter(
                        None,
                        (f"Made by {record.made_by or 'an unnamed user'} on {moment(record.made_at)}.", record.note),
                    ),
                    quiet=True,
                )
            )
        can_choose = record.number != round_.current and round_.approved is None
        if can_choose and st.button("Choose this scenario", key=f"choose_{record.number}"):
            _choose(round_, record, f"Scenario {record.name}")


def _choose(round_: Round, record: PlanRecord, why: str) -> None:
    saved = cache.saved_plan(open_round.store().plan_files(round_.round_id, record.number))
    own = {name: one for name, one in round_.sources.items() if name not in ("policy", "baseline")}
    if "policy" in saved.sources:
        own["policy"] = saved.sources["policy"]
    chosen = open_round.change(
        lambda: open_round.store().choose_scenario(round_, record.number, sources=own, by=person.who(), why=why)
    )
    if chosen:
        # From here on the rules of the chosen scenario are those of the round, whatever was drafted since.
        drafted_rules.draft_policy(chosen, drafted_rules.policy_of(chosen))
        go_to(PLAN)


if __name__ == "__main__":
    show()
