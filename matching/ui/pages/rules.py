"""Rules: what counts most, how far people travel and what is allowed, with the counts that follow at once."""

from typing import Any, TypeVar

import numpy as np
import pandas as pd
import streamlit as st
from pydantic import ValidationError

from matching.errors import counted
from matching.rounds.round import Round
from matching.tables.policy import Policy
from matching.tables.vocabulary import Vocabulary, standard_vocabulary
from matching.ui.formatting import frames, markup
from matching.ui.state import cache, drafted_rules, plan_making
from matching.ui.steps import PLAN, RULES
from matching.ui.widgets.layout import go_to, round_or_stop, screen_heading

_Value = TypeVar("_Value")

_WEIGHTS = {
    "specialism": "does the supporter have the specialism that the need is about?",
    "phase": "does the supporter work in the school's phase of education?",
    "distance": "how near is the supporter's own school?",
}
_LIMITS = (
    (
        "max_supporters_per_school",
        "People who come to one school, at most",
        "One person who takes several of its needs counts once.",
    ),
    (
        "max_per_home_school",
        "Deployments from one home school, at most",
        "So that no school lends too many of its leaders at a time.",
    ),
)
_COLOURS = {"specialism": "#1d70b8", "phase": "#00703c", "distance": "#505a5f"}
_MOST_NEEDS = 50
_MOST_KILOMETRES = 10_000.0


def show() -> None:
    """Show the screen."""
    round_ = round_or_stop(RULES)
    screen_heading(RULES, round_, "Next: make the plan. Nothing changes until you do.")
    settings, outcome = st.columns([3, 2], gap="large")
    with settings:
        policy = _edited(drafted_rules.drafted_policy(round_), round_)
    if policy:
        drafted_rules.draft_policy(round_, policy)
    with outcome, st.container(key="outcome"):
        _show_counts(round_)
        _offer_plan(round_, ready=policy is not None)


def _edited(policy: Policy, round_: Round) -> Policy | None:
    """The rules as the controls stand; None where they cannot be used."""
    vocabulary = standard_vocabulary()
    occasion = f"{round_.round_id}_{round_.revision}"
    keys = policy.model_dump()
    saved = drafted_rules.policy_of(round_)
    _edit_weights(keys["weights"], saved, occasion)
    _edit_distances(keys["max_distance_km"], saved, vocabulary, occasion)
    _edit_trust(keys["rules"], occasion)
    _edit_limits(keys["rules"], occasion)
    _edit_specialisms(keys["specialism_fit"], keys["related_specialisms"], vocabulary, occasion)
    _edit_phases(keys["phase_fit"], occasion)
    if round_.files or "baseline" in round_.sources:
        _edit_rerun(keys["rerun"], occasion)
    try:
        return Policy.model_validate(keys)
    except ValidationError:
        st.error("All three weights are 0. Give at least one of them more.")
        return None


def _initial(key: str, value: _Value) -> _Value:
    """What a control shows before anybody touches it: the value when it first came on screen.

    It is given on every run. A control whose value was only set in the first one is shown empty where the next run
    overtakes that in the browser, and an empty control then changes the rules.
    """
    remembered = f"{key}_initial"
    if key not in st.session_state or remembered not in st.session_state:
        st.session_state[remembered] = value
    found: _Value = st.session_state[remembered]
    return found


def _edit_weights(weights: dict[str, float], saved: Policy, occasion: str) -> None:
    st.header("What counts most", anchor=False)
    st.html(markup.paragraph("Three things make the score of a pair. Only their proportions matter."))
    # The scale is the file's, so that it stays the same while a weight is being moved.
    most = max(1.0, *saved.weights.model_dump().values())
    for name, question in _WEIGHTS.items():
        key = f"weight_{name}_{occasion}"
        first = _initial(key, weights[name])
        label = f"{name.capitalize()}: {question}"
        weights[name] = st.slider(label, 0.0, most, first, step=most / 20, key=key, format="%.2f")
    if total := sum(weights.values()):
        st.html(markup.shares([(name.capitalize(), weights[name] / total, _COLOURS[name]) for name in _WEIGHTS]))


def _edit_distances(limits: dict[str, float], saved: Policy, vocabulary: Vocabulary, occasion: str) -> None:
    st.header("How far people travel", anchor=False)
    st.html(markup.paragraph("In kilometres, as the crow flies. A supporter's own shorter limit goes before these."))
    columns = st.columns(min(len(vocabulary.designations), 3))
    for position, (code, designation) in enumerate(vocabulary.designations.items()):
        with columns[position % len(columns)]:
            key = f"km_{code}_{occasion}"
            first = _initial(key, limits[code])
            # A file may name any distance, also one that nobody would choose here.
            least = min(1.0, saved.max_distance_km[code])
            limits[code] = st.number_input(
                f"{code} (km)", least, _MOST_KILOMETRES, first, step=5.0, key=key, format="%g"
            )
            st.caption(f"{designation.title.capitalize()}: {designation.what_they_do}.")


def _edit_trust(rules: dict[str, Any], occasion: str) -> None:
    st.header("Same trust", anchor=False)
    usual = "Usually not: support from outside the trust is independent, and trusts help their own schools anyway."
    st.html(markup.paragraph(usual))
    key = f"trust_{occasion}"
    first = _initial(key, rules["same_trust"] == "allow")
    allowed = st.checkbox("A supporter may support a school of their own trust", first, key=key)
    rules["same_trust"] = "allow" if allowed else "forbid"


def _edit_limits(rules: dict[str, Any], occasion: str) -> None:
    st.header("How many at one school", anchor=False)
    st.html(markup.paragraph("Leave a box empty for no limit. What you pin is kept even over a limit."))
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
    st.html(markup.paragraph("Where nobody has the exact specialism, somebody with a related one may do."))
    key = f"specialism_fit_{occasion}"
    label = "What a related specialism counts, from 0 (nothing) to 1 (as much as the specialism itself)"
    fit["related"] = st.slider(label, 0.0, 1.0, _initial(key, fit["related"]), step=0.05, key=key, format="%.2f")
    first = vocabulary.specialisms.index("phonics")
    focus = st.selectbox("For needs about", vocabulary.specialisms, first, key=f"related_to_{occasion}")
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
        st.html(markup.table(listed, "Related specialisms now"))


def _edit_phases(fit: dict[str, float], occasion: str) -> None:
    st.header("Related phases", anchor=False)
    near = (
        "Nursery, primary and lower middle schools are related; so are upper middle and secondary schools and colleges."
    )
    st.html(markup.paragraph(near))
    key = f"phase_fit_{occasion}"
    label = "What a related phase counts, from 0 (nothing) to 1 (as much as the phase itself)"
    fit["related"] = st.slider(label, 0.0, 1.0, _initial(key, fit["related"]), step=0.05, key=key, format="%.2f")


def _edit_rerun(rerun: dict[str, float], occasion: str) -> None:
    st.header("Staying close to an earlier plan", anchor=False)
    key = f"change_cost_{occasion}"
    label = "What keeping a deployment is worth in points of score, from 0 (change freely) to 1 (hardly ever change)"
    rerun["change_cost"] = st.slider(
        label, 0.0, 1.0, _initial(key, rerun["change_cost"]), step=0.05, key=key, format="%.2f"
    )


def _show_counts(round_: Round) -> None:
    st.header("What follows", anchor=False)
    market = cache.market(drafted_rules.drafted_sources(round_, stay_close=False))
    lonely = int((market.pairs.count_by_need() == 0).sum())
    before = cache.saved_plan(round_.files).plan.manifest["counts"] if round_.files else None
    pairs_before = f"{before['eligible_pairs']:,} in the plan you have" if before else "people who could support a need"
    st.html(
        markup.figures(
            [
                ("Eligible pairs", f"{len(market.pairs):,}", pairs_before),
                ("Needs that nobody can serve", f"{lonely:,}", f"of {len(market.inputs.needs):,} needs"),
                (
                    "Supporters",
                    f"{np.unique(market.pairs.supporter).size:,}",
                    f"of {len(market.inputs.supporters):,} are eligible somewhere",
                ),
            ]
        )
    )
    if lonely:
        table = frames.unreachable(market)
        with st.expander(f"The {counted(lonely, 'need')} that nobody can serve"):
            st.html(markup.table(table.head(_MOST_NEEDS), "Nobody is eligible for these needs"))
            if lonely > _MOST_NEEDS:
                st.caption(
                    f"The first {_MOST_NEEDS} of {lonely:,} are shown. Make the plan to see the reason for each."
                )
            else:
                st.caption("Make the plan to see the reason for each.")


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
        st.caption("The new plan takes the place of the one that this round has, which is kept. Decisions hold.")


if __name__ == "__main__":
    show()
