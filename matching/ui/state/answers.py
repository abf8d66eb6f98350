"""Answers about the live plan that take a moment to find, cached so that screens may ask each time."""

from dataclasses import dataclass

import networkx as nx
import numpy as np
import pandas as pd
import streamlit as st

from matching.pairs.market import Market
from matching.plan.equity import equity
from matching.plan.graph import bipartite_graph
from matching.rounds.planning.decisions_table import held_pairs
from matching.rounds.planning.live_plan import held_market
from matching.rounds.planning.run_inputs import serving
from matching.ui.state.live_plan import Live
from matching.ui.state.params import screen_params
from matching.whatif.explain import Explanation, explain_need
from matching.whatif.repairs import Repairs, repairs
from matching.whatif.resolve import position_of, position_of_need
from matching.whatif.why_not import WhyNot, why_not


def graph_of(found: Live) -> nx.Graph:
    """Return the graph of the live plan's supporters and needs.

    Raises
    ------
    DataError
        It is too large to draw from.
    """
    return _graph(found.digest, found)


@st.cache_resource(scope="session", max_entries=3, show_spinner="Drawing who could support whom…")
def _graph(digest: str, _found: Live) -> nx.Graph:
    return bipartite_graph(_found.market, _found.plan)


def equity_of(found: Live) -> pd.DataFrame:
    """Return how the live plan serves each group, as `matching.plan.equity.equity` counts it."""
    return _equity(found.digest, found)


@st.cache_resource(scope="session", max_entries=3, show_spinner=False)
def _equity(digest: str, _found: Live) -> pd.DataFrame:
    return equity(_found.plan, _found.market.inputs)


@dataclass(frozen=True)
class Fit:
    """How well one pair fits: distance in km, and score from 0 to 1."""

    distance_km: float
    score: float


def fits_of(found: Live, need_id: str, supporter_id: str) -> Fit:
    """Return how well a person would fit a need, even if a rule bars them."""
    inputs = found.market.inputs
    need = np.array([position_of_need(inputs, need_id)])
    supporter = np.array([position_of(inputs.supporters["supporter_id"], supporter_id, "supporter")])
    fits = found.market.rulebook.fits(need, supporter)
    return Fit(float(fits.distance_km[0]), int(fits.score_milli[0]) / 1000)


def explanation_of(found: Live, need_id: str) -> Explanation:
    """Return why a need has its supporter, and who else could have served it."""
    return _explanation(found.digest, need_id, found)


@st.cache_resource(scope="session", max_entries=60, show_spinner=False)
def _explanation(digest: str, need_id: str, _found: Live) -> Explanation:
    return explain_need(_found.market, _found.plan, need_id)


def answer_why_not(found: Live, need_id: str, supporter_id: str, *, force: bool = False) -> WhyNot:
    """Return what the plan would be with a named person at a need."""
    return _why_not(found.digest, need_id, supporter_id, force, found)


@st.cache_resource(scope="session", max_entries=60, show_spinner="Making the plan again with them here…")
def _why_not(digest: str, need_id: str, supporter_id: str, force: bool, _found: Live) -> WhyNot:
    limit_s = screen_params().why_not_s
    return why_not(_with_agreed(_found), _found.plan, need_id, supporter_id, force=force, time_limit_s=limit_s)


def answer_repairs(found: Live, need_id: str) -> Repairs:
    """Return the changes that would meet an unmet need."""
    return _repairs(found.digest, need_id, found)


@st.cache_resource(scope="session", max_entries=30, show_spinner="Trying what would meet this need…")
def _repairs(digest: str, need_id: str, _found: Live) -> Repairs:
    return repairs(_with_agreed(_found), _found.plan, need_id, time_limit_s=screen_params().repairs_s)


def _with_agreed(found: Live) -> Market:
    """Return the live plan's market with agreed deployments kept, as in the best plan from here."""
    serves = serving(found.plan)
    staying = [need_id for need_id, who in held_pairs(found.state).items() if serves.get(need_id) == who]
    return held_market(found.market, serves, staying)
