"""Charts of the plan: the workload of each supporter, the distances, and fairness; each has a table next to it."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from matching.errors import counted
from matching.plan.equity import TOTAL, workload_fairness
from matching.plan.write import Plan
from matching.ui.formatting import frames, markup
from matching.ui.formatting.words import of
from matching.ui.sections.filters import filter_by
from matching.ui.state import answers
from matching.ui.state.live_plan import Opened
from matching.ui.widgets import charts
from matching.whatif.explain import price_sentence

_MOST_PRICES = 30
_MOST_GROUPS = 200
_WORKLOAD_NUMBERS = ("Places used", "Places left", "Days used", "Days offered")


# ---- workload ------------------------------------------------------------------------------------------------------


def show_workload(opened: Opened) -> None:
    """Show the places and days of each supporter, and the value of one more place with them."""
    plan = opened.plan
    workload = frames.workload(plan)
    if workload.empty:
        st.html(markup.paragraph("No supporter can be deployed. The Check the data screen gives the reasons."))
        return
    used, offered = int(workload["used"].sum()), int((workload["used"] + workload["free"]).sum())
    full = int((workload["free"] == 0).sum())
    st.html(
        markup.paragraph(
            f"{of(used, offered)} places are used. {counted(full, 'supporter is', 'supporters are')} full, and "
            f"{counted(int((workload['used'] == 0).sum()), 'supporter has', 'supporters have')} no deployment."
        )
    )
    designations = sorted(workload["designation"].unique())
    designation = filter_by(st.container(), "Workload of", designations, "workload_of")
    rows = workload if designation is None else workload[workload["designation"] == designation]
    drawn = rows.head(charts.MOST_BARS)
    st.altair_chart(charts.workload_chart(drawn), theme=None, alt="Places used and places left of each supporter")
    if len(drawn) < len(rows):
        st.caption(
            f"The {len(drawn)} supporters with the most deployments of {len(rows):,} are drawn. Download workload.csv "
            "on the Hand over screen to see all of them."
        )
    with st.expander("Show the same as a table"):
        caption = "Places and days of each supporter"
        st.html(markup.table(frames.workload_table(drawn), caption, numeric=_WORKLOAD_NUMBERS))
    _show_prices(plan, frames.priced(plan, designation))


def _show_prices(plan: Plan, supporter_ids: list[str]) -> None:
    st.header("What one more place would add", anchor=False)
    if not supporter_ids:
        words = "One more place with any supporter would change nothing."
        if (plan.workload["price"] == "").all():
            words = (
                "This plan has no prices: limits on days or packages apply, or it has been changed since it was made."
            )
        st.html(markup.paragraph(words))
        return
    sentences = [price_sentence(plan, one) for one in supporter_ids[:_MOST_PRICES]]
    st.html(markup.bullets(sentences))
    if len(supporter_ids) > _MOST_PRICES:
        st.caption(
            f"The {_MOST_PRICES} highest of {len(supporter_ids):,} are shown. Download workload.csv on the Hand over "
            "screen to see all of them."
        )


# ---- distances -----------------------------------------------------------------------------------------------------


def show_distances(opened: Opened) -> None:
    """Show how far supporters travel, with the limits of the rules."""
    limits: Mapping[str, float] = opened.market.inputs.policy.max_distance_km
    picture, numbers = st.columns([7, 4], gap="large")
    picture.altair_chart(
        charts.distance_chart(opened.needs, limits),
        theme=None,
        alt="Deployments by distance, with the limit of each designation. The table next to it holds the same numbers.",
    )
    bars = charts.distance_bars(opened.needs.loc[opened.needs["met"], "distance_km"], max(limits.values(), default=0))
    table = pd.DataFrame({"Distance": bars["words"], "Deployments": bars["deployments"]})
    numbers.html(markup.table(table[bars["deployments"] > 0], "Deployments by distance", numeric=["Deployments"]))


# ---- fairness ------------------------------------------------------------------------------------------------------


def show_fairness(opened: Opened) -> None:
    """Show what share of the needs of each group of schools is met, and how much of each offer is used."""
    table = answers.equity_of(opened.live)
    st.html(markup.paragraph("These are counts only. Judge for yourself whether they are fair."))
    by = st.selectbox(
        "Needs met by",
        [one for one in dict.fromkeys(table["by"]) if one != TOTAL],
        format_func=lambda one: one[0].upper() + one[1:],
        key="fair_by",
    )
    rows = table[table["by"] == by]
    largest = rows.assign(size=rows["needs"].astype(int)).nlargest(charts.MOST_BARS, "size").sort_index()
    picture, numbers = st.columns(2, gap="large")
    with picture:
        drawn = pd.concat([table[table["by"] == TOTAL], largest.drop(columns="size")])
        st.altair_chart(
            charts.equity_chart(drawn, by),
            theme=None,
            alt=f"Share of needs met by {by}. The table next to it holds the same numbers.",
        )
        if len(largest) < len(rows):
            st.caption(f"The {len(largest)} groups with the most needs of {len(rows):,} are drawn.")
    with numbers:
        shown = frames.equity_table(pd.concat([rows.head(_MOST_GROUPS), table[table["by"] == TOTAL]]))
        st.html(markup.table(shown, f"Needs met by {by}", numeric=list(shown.columns[1:])))
    st.header("What supporters offered, and how much is used", anchor=False)
    fair = frames.fairness_table(workload_fairness(opened.plan))
    st.html(markup.table(fair, "By designation", numeric=list(fair.columns[1:])))
    st.caption("“Unlimited days” counts the days used of supporters who set no limit.")
