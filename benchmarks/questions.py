"""Time why-not and repairs on the ten regional rounds with days of `regions.py`.

usage: python benchmarks/questions.py --gias GIAS_EXTRACT [--set tuning|held-back|all] [--each 10] [--seed 1]

Of each round's best plan: random unmet needs for repairs, and random eligible pairs that are not in the plan for
why-not, with the time limits of the screens. Prints one line a round and question: how many answers came within 4 s,
the median and the worst of the seconds, of how many answers (for repairs: of how many repairs) the needs met are
proved, of how many the score as well, and how many repairs were found.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from regions import REGIONS
from run import S2S, Case, make_tables, measured

from matching.allocation import allocate
from matching.inputs.read import read_inputs
from matching.pairs.market import Market, open_market
from matching.plan.write import Plan
from matching.tables.files import Source
from matching.ui.state.params import ScreenParams
from matching.whatif.repairs import Repair, repairs
from matching.whatif.why_not import WhyNot, why_not

Answer = TypeVar("Answer")
GOAL_S = 4.0
COLUMNS = ("round", "question", f"within {GOAL_S:g} s", "median s", "worst s", "needs proved", "all proved", "repairs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gias", type=Path, required=True)
    parser.add_argument("--set", choices=(*REGIONS, "all"), default="all")
    parser.add_argument("--each", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rounds = [one for name, some in REGIONS.items() if options.set in (name, "all") for one in some]
    print(f"| {' | '.join(COLUMNS)} |\n| {' | '.join('---' for _ in COLUMNS)} |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        schools = Path(folder) / "schools.csv"
        measured((*S2S, "schools", "--gias", str(options.gias), "--out", str(schools)))
        for number, (region, supporters, seed) in enumerate(rounds):
            place = Path(folder) / str(number)
            make_tables(Case(region, supporters, 1_500, region, days=True), schools, place, seed)
            names = ("schools", "supporters", "needs")
            inputs = read_inputs({name: Source(name, (place / f"{name}.csv").read_bytes()) for name in names})
            market = open_market(inputs)
            plan = allocate(inputs, market=market)
            chance = np.random.default_rng(options.seed)
            title = f"{region}: {supporters:,} × 1,500"
            for question, ask in (("repairs", of_repairs), ("why not", of_why_not)):
                print(f"| {title} | {question} | {' | '.join(ask(market, plan, options.each, chance))} |", flush=True)


def of_repairs(market: Market, plan: Plan, each: int, chance: np.random.Generator) -> list[str]:
    """Return the cells about the repairs of random unmet needs."""
    unmet = plan.unmet["need_id"].to_numpy()
    needs = chance.choice(unmet, min(each, len(unmet)), replace=False).tolist()
    limit_s = ScreenParams().repairs_s
    seconds, answers = timed([lambda one=one: repairs(market, plan, one, time_limit_s=limit_s) for one in needs])
    found = [repair for answer in answers for repair in answer.found]
    tried, possible = (sum(getattr(answer, name) for answer in answers) for name in ("n_tried", "n_possible"))
    return [*cells(seconds), *proofs(found), f"{len(found)} of {tried} tried, {possible} possible"]


def of_why_not(market: Market, plan: Plan, each: int, chance: np.random.Generator) -> list[str]:
    """Return the cells about random eligible pairs that are not in the plan."""
    need_ids, supporter_ids = (
        frame[name].to_numpy()
        for frame, name in ((market.inputs.needs, "need_id"), (market.inputs.supporters, "supporter_id"))
    )
    chosen = set(plan.deployments[["need_id", "supporter_id"]].itertuples(index=False, name=None))
    pairs = [
        (need_ids[market.pairs.need[one]], supporter_ids[market.pairs.supporter[one]])
        for one in chance.choice(len(market.pairs), 2 * each, replace=False)
    ]
    asked = [pair for pair in pairs if pair not in chosen][:each]
    limit_s = ScreenParams().why_not_s
    seconds, answers = timed([lambda pair=pair: why_not(market, plan, *pair, time_limit_s=limit_s) for pair in asked])
    return [*cells(seconds), *proofs(answers), ""]


def timed(questions: Sequence[Callable[[], Answer]]) -> tuple[list[float], list[Answer]]:
    """Return the seconds and the answer of each question."""
    seconds, answers = [], []
    for ask in questions:
        began = time.perf_counter()
        answers.append(ask())
        seconds.append(time.perf_counter() - began)
    return seconds, answers


def proofs(answers: Sequence[Repair | WhyNot]) -> tuple[str, str]:
    """Return of how many answers the needs met are proved, and of how many the score as well."""
    of = len(answers)
    return f"{sum(one.needs_proved for one in answers)} of {of}", f"{sum(one.proved for one in answers)} of {of}"


def cells(seconds: Sequence[float]) -> list[str]:
    """Return how many were fast enough, the median and the worst."""
    fast = sum(one <= GOAL_S for one in seconds)
    return [f"{fast} of {len(seconds)}", f"{statistics.median(seconds):.1f}", f"{max(seconds):.1f}"]


if __name__ == "__main__":
    main()
