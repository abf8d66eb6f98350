"""Rules: weights, distances and limits, with the number of eligible pairs that follows from them."""

from typing import Any, TypeVar

import numpy as np
import pandas as pd
import streamlit as st

from matching.errors import DataError, counted
from matching.rounds.round import Round
from matching.tables.policy import Policy
from matching.tables.vocabulary import Vocabulary, standard_vocabulary
from matching.ui.formatting import frames, markup
from matching.ui.state import cache, drafted_rules, plan_making
from matching.ui.steps import PLAN, RULES
from matching.ui.widgets.layout import go_to, round_or_stop, screen_heading

_Value = TypeVar("_Value")

_WEIGHTS = {
    "specialism": "does the supporter have the specialism that is needed?",
    "phase": "does the supporter work in the school's phase of education?",
    "distance": "how near is the supporter's own school?",
}
_LIMITS = (
    (
        "max_supporters_per_school",
        "Most supporters for one school",
        "A supporter with several needs of the school counts once.",
    ),
    (
        "max_per_home_school",
        "Most deployments from one home school",
        "This protects a school from lending too many leaders.",
    ),
)
_COLOURS = {"specialism": "#1d70b8", "phase": "#00703c", "distance": "#505a5f"}
_MOST_NEEDS = 50
_MOST_KILOMETRES = 10_000.0


def show() -> None:
    """Show the screen."""
    round_ = round_or_stop(RULES)
    screen_heading(RULES, round_, "Then make the plan. Until you do, nothing changes.")
    settings, outcome = st.columns([3, 2], gap="large")
    with settings:
        policy = _edited(drafted_rules.drafted_policy(round_), round_)
    if policy:
        drafted_rules.draft_policy(round_, policy)
    with outcome, st.container(key="outcome"):
        _show_counts(round_)
        _offer_plan(round_, ready=policy is not None)


def _edited(policy: Policy, round_: Round) -> Policy | None:
    """Show the controls and return the rules that they hold; None if these cannot be used."""
    vocabulary = standard_vocabulary()
    occasion = f"{round_.round_id}_{round_.revision}"
    keys = policy.model_dump()
    saved = drafted_rules.policy_of(round_)
    _edit_weights(keys["weights"], saved, occasion)
    _edit_distances(keys["max_distance_km"], saved, vocabulary, occasion)
    _edit_groups(keys["rules"], occasion)
    _edit_limits(keys["rules"], occasion)
    _edit_specialisms(keys["specialism_fit"], keys["related_specialisms"], vocabulary, occasion)
    _edit_phases(keys["phase_fit"], vocabulary, occasion)
    if round_.files or "baseline" in round_.sources:
        _edit_rerun(keys["rerun"], occasion)
    try:
        return Policy(**keys)
    except DataError:
        st.error("All three weights are 0. Move at least one of them.")
        return None


def _initial(key: str, value: _Value) -> _Value:
    """Return the value that a control had when it first came on screen.

    It is passed on every run. If only the first run set it and the next run overtook the browser, the control would be
    shown empty, and an empty control changes the rules.
    """
    remembered = f"{key}_initial"
    if key not in st.session_state or remembered not in st.session_state:
        st.session_state[remembered] = value
    found: _Value = st.session_state[remembered]
    return found


def _edit_weights(weights: dict[str, float], saved: Policy, occasion: str) -> None:
    st.header("What counts most", anchor=False)
    st.html(
        markup.paragraph("Three things make up the score of a supporter for a need. Only their proportions matter.")
    )
    # Taken from the saved rules, so that the scale stays the same while a weight is moved.
    most = max(1.0, *saved.weights.model_dump().values())
    for name, question in _WEIGHTS.items():
        key = f"weight_{name}_{occasion}"
        first = _initial(key, weights[name])
        label = f"{name.capitalize()}: {question}"
        weights[name] = st.slider(label, 0.0, most, first, step=most / 20, key=key, format="%.2f")
    if total := sum(weights.values()):
        st.html(markup.shares([(name.capitalize(), weights[name] / total, _COLOURS[name]) for name in _WEIGHTS]))


def _edit_distances(limits: dict[str, float], saved: Policy, vocabulary: Vocabulary, occasion: str) -> None:
    st.header("How far supporters travel", anchor=False)
    st.html(
        markup.paragraph(
            "The limits are kilometres in a straight line. A supporter's own shorter limit takes precedence."
        )
    )
    columns = st.columns(min(len(vocabulary.designations), 3))
    for position, (code, designation) in enumerate(vocabulary.designations.items()):
        with columns[position % len(columns)]:
            key = f"km_{code}_{occasion}"
            first = _initial(key, limits[code])
            # A policy file may set a limit below the usual minimum.
            least = min(1.0, saved.max_distance_km[code])
            limits[code] = st.number_input(
                f"{code} (km)", least, _MOST_KILOMETRES, first, step=5.0, key=key, format="%g"
            )
            st.caption(f"{designation.title.capitalize()}: {designation.what_they_do}.")


def _edit_groups(rules: dict[str, Any], occasion: str) -> None:
    st.header("Same trust or federation", anchor=False)
    usual = "Usually not: outside support is independent, and a trust or federation helps its own schools anyway."
    st.html(markup.paragraph(usual))
    for group in ("trust", "federation"):
        key = f"{group}_{occasion}"
        first = _initial(key, rules[f"same_{group}"] == "allow")
        allowed = st.checkbox(f"A supporter may support a school of their own {group}", first, key=key)
        rules[f"same_{group}"] = "allow" if allowed else "forbid"


def _edit_limits(rules: dict[str, Any], occasion: str) -> None:
    st.header("Limits for one school", anchor=False)
    st.html(markup.paragraph("Leave a box empty for no limit. A pinned deployment is kept even beyond a limit."))
    columns = st.columns(2)
    for column, (name, label, about) in zip(columns, _LIMITS, strict=True):
        with column:
            key = f"{name}_{occasion}"
            first = _initial(key, rules.get(name))
            value = st.number_input(label, 1, 1000, first, step=1, key=key, placeholder="No limit")
            st.caption(about)
            rules[name] = None if value is None else int(value)


def _edit_specialisms(
    fit: dict[str, float], related: dict[str, tuple[str, ...]], vocabulary: Vocabulary, occasion: str
) -> None:
    st.header("Related specialisms", anchor=False)
    st.html(markup.paragraph("A supporter with a related specialism can be proposed too, but scores less."))
    key = f"specialism_fit_{occasion}"
    label = "How much a related specialism counts, from 0 (not at all) to 1 (as much as the specialism itself)"
    fit["related"] = st.slider(label, 0.0, 1.0, _initial(key, fit["related"]), step=0.05, key=key, format="%.2f")
    focus = st.selectbox("For needs about", vocabulary.specialisms, key=f"related_to_{occasion}")
    key = f"related_{focus}_{occasion}"
    chosen = st.multiselect(
        "These specialisms are related",
        [word for word in vocabulary.specialisms if word != focus],
        _initial(key, list(related.get(focus, ()))),
        key=key,
        placeholder="None",
    )
    related.pop(focus, None)
    if chosen:
        related[focus] = tuple(chosen)
    if related:
        listed = pd.DataFrame(
            [(name, ", ".join(words)) for name, words in sorted(related.items())], columns=["Needs about", "Related"]
        )
        st.html(markup.table(listed, "Related specialisms in these rules"))


def _edit_phases(fit: dict[str, float], vocabulary: Vocabulary, occasion: str) -> None:
    st.header("Related phases", anchor=False)
    st.html(markup.paragraph("A supporter who works in a related phase can be proposed too, but scores less."))
    phases = np.array(vocabulary.phases)
    related = [", ".join(phases[row]) or "None" for row in vocabulary.related_phases()]
    with st.expander("Show which phases are related"):
        listed = pd.DataFrame({"Phase": phases, "Related": related})
        st.html(markup.table(listed, "Related phases"))
    key = f"phase_fit_{occasion}"
    label = "How much a related phase counts, from 0 (not at all) to 1 (as much as the phase itself)"
    fit["related"] = st.slider(label, 0.0, 1.0, _initial(key, fit["related"]), step=0.05, key=key, format="%.2f")


def _edit_rerun(rerun: dict[str, float], occasion: str) -> None:
    st.header("Staying close to an earlier plan", anchor=False)
    key = f"change_cost_{occasion}"
    label = "Score for each deployment that is kept, from 0 (change freely) to 1 (hardly ever change)"
    rerun["change_cost"] = st.slider(
        label, 0.0, 1.0, _initial(key, rerun["change_cost"]), step=0.05, key=key, format="%.2f"
    )


def _show_counts(round_: Round) -> None:
    st.header("With these rules", anchor=False)
    market = cache.market(drafted_rules.drafted_sources(round_, stay_close=False))
    unreachable = int((market.pairs.count_by_need() == 0).sum())
    before = cache.saved_plan(round_.files).plan.manifest["counts"] if round_.files else None
    pairs_before = f"{before['eligible_pairs']:,} in the present plan" if before else "a need and a supporter for it"
    st.html(
        markup.figures(
            [
                ("Eligible pairs", f"{len(market.pairs):,}", pairs_before),
                ("Needs out of reach", f"{unreachable:,}", "have no eligible supporter"),
                (
                    "Supporters",
                    f"{np.unique(market.pairs.supporter).size:,}",
                    f"of {len(market.inputs.supporters):,} are eligible for a need",
                ),
            ]
        )
    )
    if unreachable:
        table = frames.unreachable(market)
        with st.expander(f"Show the {counted(unreachable, 'need')} out of reach"):
            st.html(markup.table(table.head(_MOST_NEEDS), "Needs with no eligible supporter"))
            cut = f"The first {_MOST_NEEDS} of {unreachable:,} needs are shown. " if unreachable > _MOST_NEEDS else ""
            st.caption(f"{cut}Make the plan to see the reason for each.")


def _offer_plan(round_: Round, *, ready: bool) -> None:
    stay_close = False
    if round_.files or "baseline" in round_.sources:
        stay_close = st.checkbox(
            "Change as little of the earlier plan as possible", value="baseline" in round_.sources, key="stay_close"
        )
    if st.button("Make the plan", type="primary", disabled=not ready):
        plan_making.make_plan(round_, plan_making.undecided_sources(round_, stay_close=stay_close))
        go_to(PLAN)
    if round_.files:
        st.caption("The new plan replaces the present one, which is kept for comparison. Decisions are kept.")


if __name__ == "__main__":
    show()
