"""Rules that were changed on the Rules screen and that no plan was made from yet; they outlive a refresh."""

import streamlit as st

from matching.plan.on_disk import SavedPlan
from matching.rounds.round import Round
from matching.tables.files import Source
from matching.tables.policy import Policy, policy_toml, read_policy
from matching.ui.state import cache

_POLICY = "drafted_policy"


def policy_of(round_: Round) -> Policy:
    """Return the rules in a round's files."""
    source = round_.sources.get("policy")
    return read_policy(source) if source else Policy()


def drafted_policy(round_: Round) -> Policy:
    """Return the rules as they are on the Rules screen."""
    drafted: Policy | None = st.session_state.get(_POLICY)
    return drafted or policy_of(round_)


def draft_policy(round_: Round, policy: Policy) -> None:
    """Remember changed rules until a plan is made from them."""
    st.session_state[_POLICY] = policy
    _drafts()[round_.round_id] = (round_.revision, policy)


def take_draft(round_: Round | None) -> None:
    """Take up the rules that were drafted for a round, in whatever tab; drafts of an earlier revision do not count."""
    st.session_state.pop(_POLICY, None)
    revision, drafted = _drafts().get(round_.round_id, (0, Policy())) if round_ else (0, Policy())
    if round_ and revision == round_.revision:
        st.session_state[_POLICY] = drafted


def draft() -> Policy | None:
    """Return the changed rules of this tab, or None without a change."""
    found: Policy | None = st.session_state.get(_POLICY)
    return found


@st.cache_resource(show_spinner=False)
def _drafts() -> dict[str, tuple[int, Policy]]:
    """Return the drafted rules by round, with the revision they were drafted for."""
    return {}


def drafted_sources(round_: Round, *, stay_close: bool) -> dict[str, Source]:
    """Return the files that the next plan comes from.

    The policy file is written again only if the rules were changed. To stay close, the baseline is the round's plan or,
    before there is one, the plan that its files brought.
    """
    sources = dict(round_.sources)
    drafted = drafted_policy(round_)
    if drafted != policy_of(round_):
        sources["policy"] = Source("policy.toml", policy_toml(drafted))
    if not stay_close:
        sources.pop("baseline", None)
    elif round_.files:
        sources["baseline"] = Source("plan.csv", round_.files["plan.csv"])
    return cache.ordered(sources)


def is_outdated(round_: Round, saved: SavedPlan) -> bool:
    """Return whether the rules were changed after the plan was made from them."""
    return bool(drafted_policy(round_).model_dump(mode="json") != saved.plan.manifest["policy"])
