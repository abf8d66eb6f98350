"""Rules: what counts most, how far people travel and what is allowed, with the counts that follow at once."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from pydantic import ValidationError

from matching.policy import Policy
from matching.reasons import counted
from matching.rounds import Round
from matching.ui import frames, markup, session
from matching.ui.parts import go_to, round_or_stop, screen_heading
from matching.ui.steps import PLAN, RULES
from matching.vocabulary import Vocabulary, standard_vocabulary

_WEIGHTS = {
    "specialism": "Does the supporter have the specialism that the need is about?",
    "phase": "Does the supporter work in the school's phase of education?",
    "distance": "How near is the supporter's own school?",
}
_COLOURS = {"specialism": "#1d70b8", "phase": "#00703c", "distance": "#505a5f"}
_MOST_NEEDS = 50


def show() -> None:
    """Show the screen."""
    round_ = round_or_stop(RULES)
    screen_heading(RULES, round_, "Next: make the plan. Nothing changes until you do.")
    settings, outcome = st.columns([3, 2], gap="large")
    with settings:
        policy = _edited(session.drafted_policy(round_), round_)
    if policy:
        session.draft_policy(policy)
    with outcome:
        _show_counts(round_)
        _offer_plan(round_, ready=policy is not None)


def _edited(policy: Policy, round_: Round) -> Policy | None:
    """The rules as the controls stand; None where they cannot be used."""
    vocabulary = standard_vocabulary()
    occasion = f"{round_.round_id}_{round_.revision}"
    keys = policy.model_dump()
    _edit_weights(keys["weights"], occasion)
    _edit_distances(keys["max_distance_km"], vocabulary, occasion)
    _edit_trust(keys["rules"], occasion)
    _edit_specialisms(keys["specialism_fit"], keys["related_specialisms"], vocabulary, occasion)
    _edit_phases(keys["phase_fit"], occasion)
    if round_.files or "baseline" in round_.sources:
        _edit_rerun(keys["rerun"], occasion)
    try:
        return Policy.model_validate(keys)
    except ValidationError:
        st.error("All three weights are 0. Give at least one of them more.")
        return None


def _begin(key: str, value: Any) -> str:
    """Give a control its value the first time that it is shown; afterwards it keeps its own."""
    if key not in st.session_state:
        st.session_state[key] = value
    return key


def _edit_weights(weights: dict[str, float], occasion: str) -> None:
    st.header("What counts most", anchor=False)
    st.html(markup.paragraph("Three things make the score of a pair. Only their proportions matter."))
    most = max(1.0, *weights.values())
    for name, question in _WEIGHTS.items():
        key = _begin(f"weight_{name}_{occasion}", weights[name])
        weights[name] = st.slider(name.capitalize(), 0.0, most, step=0.05, key=key, format="%.2f")
        st.caption(question)
    if total := sum(weights.values()):
        st.html(markup.shares([(name.capitalize(), weights[name] / total, _COLOURS[name]) for name in _WEIGHTS]))


def _edit_distances(limits: dict[str, float], vocabulary: Vocabulary, occasion: str) -> None:
    st.header("How far people travel", anchor=False)
    st.html(markup.paragraph("In kilometres, as the crow flies. A supporter's own shorter limit goes before these."))
    columns = st.columns(min(len(vocabulary.designations), 3))
    for position, (code, designation) in enumerate(vocabulary.designations.items()):
        with columns[position % len(columns)]:
            key = _begin(f"km_{code}_{occasion}", limits[code])
            limits[code] = st.number_input(f"{code} (km)", 1.0, 1500.0, step=5.0, key=key, format="%g")
            st.caption(f"{designation.title.capitalize()}: {designation.what_they_do}.")


def _edit_trust(rules: dict[str, str], occasion: str) -> None:
    st.header("Same trust", anchor=False)
    key = _begin(f"trust_{occasion}", rules["same_trust"] == "allow")
    allowed = st.checkbox("A supporter may support a school of their own trust", key=key)
    st.caption("Usually not: support from outside the trust is independent, and trusts help their own schools anyway.")
    rules["same_trust"] = "allow" if allowed else "forbid"


def _edit_specialisms(
    fit: dict[str, float], related: dict[str, tuple[str, ...]], vocabulary: Vocabulary, occasion: str
) -> None:
    st.header("Related specialisms", anchor=False)
    st.html(markup.paragraph("Where nobody has the exact specialism, somebody with a related one may do."))
    key = _begin(f"specialism_fit_{occasion}", fit["related"])
    fit["related"] = st.slider("What a related specialism counts", 0.0, 1.0, step=0.05, key=key, format="%.2f")
    st.caption("0: a related specialism does not count at all. 1: it counts as much as the specialism itself.")
    focus = st.selectbox("For needs about", vocabulary.specialisms, key=_begin(f"related_to_{occasion}", "phonics"))
    chosen = st.multiselect(
        "these specialisms are related",
        [word for word in vocabulary.specialisms if word != focus],
        key=_begin(f"related_{focus}_{occasion}", list(related.get(focus, ()))),
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
    key = _begin(f"phase_fit_{occasion}", fit["related"])
    fit["related"] = st.slider("What a related phase counts", 0.0, 1.0, step=0.05, key=key, format="%.2f")
    st.caption("Nursery, primary and first middle schools are related; so are upper middle, secondary and 16 plus.")


def _edit_rerun(rerun: dict[str, float], occasion: str) -> None:
    st.header("Staying close to an earlier plan", anchor=False)
    key = _begin(f"change_cost_{occasion}", rerun["change_cost"])
    rerun["change_cost"] = st.slider("What keeping a deployment is worth", 0.0, 1.0, step=0.05, key=key, format="%.2f")
    st.caption("In points of score, where the plan is to stay close to an earlier one. 0: change freely.")


def _show_counts(round_: Round) -> None:
    st.header("What follows", anchor=False)
    market = session.market(session.drafted_sources(round_, stay_close=False))
    lonely = int((market.pairs.count_by_need() == 0).sum())
    before = session.saved_plan(round_.files).plan.manifest["counts"] if round_.files else None
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
        session.make_plan(round_, session.drafted_sources(round_, stay_close=stay_close))
        go_to(PLAN)
    if round_.files:
        st.caption("The new plan takes the place of the one that this round has.")


if __name__ == "__main__":
    show()
