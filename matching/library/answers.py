"""What can be asked of inputs and plans: does it hold, why, why not, what differs, who is eligible, who needs help."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd

from matching.audit import verify as audit
from matching.inputs import triage as inputs_triage
from matching.inputs.inputs import Inputs
from matching.inputs.read import check_additions, read_inputs, read_schools
from matching.library.frames import Given, numeric, sources_of
from matching.library.run import Plan, day_of
from matching.pairs.market import open_market
from matching.plan import compare as plan_compare
from matching.plan.on_disk import read_files
from matching.whatif import why_not as whatif_why_not
from matching.whatif.explain import Explanation, explain_need, explain_pair


@dataclass(frozen=True)
class Verification:
    """The outcome of verifying a plan, in sentences.

    Attributes
    ----------
    holds : bool
        Whether there is no fault.
    faults : tuple of str
        What is wrong.
    findings : tuple of str
        What was shown.
    wording : tuple of str
        How the wording differs from this version's, where it states the same.
    """

    holds: bool
    faults: tuple[str, ...]
    findings: tuple[str, ...]
    wording: tuple[str, ...]


def verify(plan: Plan, *, time_limit_s: float = 60.0) -> Verification:
    """Check every rule, number and reason of a plan and its proof from its files, independently of the solver.

    Parameters
    ----------
    time_limit_s : float
        How long to solve again where days, packages or limits on schools bind, in seconds.

    Raises
    ------
    DataError
        A file of the plan cannot be read.
    """
    saved = read_files(plan.files)
    inputs = read_inputs(saved.sources, as_at=saved.as_at, columns=saved.columns)
    found = audit.verify(saved, inputs, time_limit_s=time_limit_s)
    return Verification(not found.faults, found.faults, found.findings, found.wording)


def explain(plan: Plan, need_id: str, supporter_id: str | None = None) -> Explanation:
    """Return why a need has its supporter or none and who else is eligible, or why a person you name does not serve it.

    Raises
    ------
    DataError
        The need or the supporter is not in the plan.
    """
    if supporter_id is None:
        found = explain_need(plan.market, plan.written, str(need_id))
    else:
        found = explain_pair(plan.market, plan.written, str(need_id), str(supporter_id))
    return replace(found, candidates=numeric(found.candidates))


def why_not(
    plan: Plan, need_id: str, supporter_id: str, *, force: bool = False, time_limit_s: float = 4.0
) -> whatif_why_not.WhyNot:
    """Return what a plan would gain and lose with a named supporter at a need, and whom that would move.

    Parameters
    ----------
    force : bool
        Whether to solve even where the pair breaks a rule, as a pin may.
    time_limit_s : float
        How long to search where days bind, in seconds.

    Raises
    ------
    DataError
        The need or the supporter is not in the plan.
    """
    found = whatif_why_not.why_not(
        plan.market, plan.written, str(need_id), str(supporter_id), force=force, time_limit_s=time_limit_s
    )
    return replace(found, components=numeric(found.components), displaced=numeric(found.displaced))


def compare(before: Plan, after: Plan) -> plan_compare.Comparison:
    """Return what differs between two plans: levels, needs served differently, and people with more or less to do."""
    found = plan_compare.compare(before.written, after.written, lambda: (before.inputs, after.inputs))
    return replace(found, changes=numeric(found.changes))


def pairs(inputs: Inputs) -> pd.DataFrame:
    """Return every eligible pair: the edges of the bipartite graph, with their scores.

    Returns
    -------
    DataFrame
        need_id, supporter_id, score, distance_km, specialism_fit, phase_fit and distance_fit, by need_id, then
        supporter_id. At national size these are millions of rows.
    """
    market = open_market(inputs)
    found = market.pairs
    fits = market.rulebook.fits(found.need, found.supporter)
    return pd.DataFrame(
        {
            "need_id": inputs.needs["need_id"].to_numpy()[found.need],
            "supporter_id": inputs.supporters["supporter_id"].to_numpy()[found.supporter],
            "score": found.score_milli / 1000,
            "distance_km": found.distance_km,
            "specialism_fit": fits.specialism,
            "phase_fit": fits.phase,
            "distance_fit": fits.distance,
        }
    )


def triage(
    schools: Given,
    *,
    ofsted: Given | None = None,
    links: Given | None = None,
    attainment: Given | None = None,
    local_authority: str | Collection[str] = (),
    region: str | Collection[str] = (),
    as_at: date | None = None,
) -> pd.DataFrame:
    """List schools in challenging circumstances, each with its reason and the focuses that it suggests.

    Parameters
    ----------
    schools : path, bytes or DataFrame
        A schools table or a GIAS extract, to which `ofsted` and `links` add.
    attainment : path, bytes or DataFrame, optional
        A performance table: a URN and any measures of the minimum standards.
    local_authority, region : str or collection of str
        Only schools of one of these are listed; all unless given.
    as_at : date, optional
        The day from which 'long since inspected' is counted; by default today.

    Raises
    ------
    DataError
    """
    given = {"schools": schools, "ofsted": ofsted, "links": links, "attainment": attainment}
    sources = sources_of(given)
    check_additions(sources, {"ofsted": "schools", "links": "schools"})
    frame = read_schools(sources["schools"], ofsted=sources.get("ofsted"), links=sources.get("links"))
    results = inputs_triage.read_attainment(sources["attainment"]) if "attainment" in sources else None
    return inputs_triage.triage(
        frame,
        as_at=day_of(as_at) or date.today(),
        attainment=results,
        local_authority=local_authority,
        region=region,
    )
