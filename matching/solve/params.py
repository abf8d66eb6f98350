"""Every tuning number of a run in one frozen, validated object; an empty TOML file gives the defaults.

They decide how fast and in which order the best plan is found, never which rules hold.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1)]
CountOrZero = Annotated[int, Field(ge=0)]
Milli = Annotated[int, Field(ge=0)]
"""Thousandths of a score point."""
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)


class MarketParams(_Section):
    """When a round is large, and how its pairs are then found."""

    # A round with more pairs within reach than this is solved from candidate pairs instead of all of them.
    large_above: CountOrZero = 500_000
    # Candidates of each need in a large round: its nearest supporters of each designation.
    nearest_supporters: Count = 12
    # About how many pairs are in memory at a time where all of them are looked at.
    pairs_per_block: Count = 250_000
    # Needs, and supporters, are searched in about this many bands of similar prices,
    price_bands: Count = 5
    # in which prices differ by no more than this from one to the next, in thousandths.
    band_jump_milli: Milli = 500


class FlowParams(_Section):
    """How the optimum with places only is found, over few pairs to begin with."""

    # Pairs to begin with, of each need that has to be met.
    first_pairs: Count = 8
    # Pairs to begin with, of each scarce supporter and needs that may stay unmet: for each place, and in addition.
    first_pairs_per_place: CountOrZero = 2
    first_pairs_extra: CountOrZero = 4
    # The most pairs that each need adds in a round of pricing.
    more_pairs: Count = 16
    # With more first pairs than this, an auction estimates the dual prices beforehand.
    auction_above: CountOrZero = 30_000
    # Small connected components are solved together, about this many pairs at a time.
    pairs_per_solve: Count = 2_000
    # Sweeps that dual prices get to settle after a local repair; those of an optimum mostly need 20 to 180.
    sweeps: Count = 500
    # How far a change is followed, as a share of what it gains. With 1, nothing that could matter is left out; with
    # less, more components have to be solved again as a whole.
    reach: Share = 1.0


class AuctionParams(_Section):
    """How the auction estimates dual prices."""

    # The least by which a bid exceeds the one before, in thousandths.
    step_milli: Annotated[int, Field(ge=1)] = 8
    # By how much prices are lowered before the second auction, in thousandths.
    rebate_milli: Milli = 50
    # It ends with this many bidders left, who would outbid each other for long, or after this many turns.
    few_bidders: CountOrZero = 10
    most_turns: CountOrZero = 10_000
    # A pair matters if it falls short of its need's best by no more than this, in thousandths.
    near_milli: Milli = 20


class ProgrammesParams(_Section):
    """How HiGHS solves linear and integer programmes."""

    # A linear programme gets this many steps of the simplex method, or this many for each row if that is more. Then an
    # interior point takes over, and comes first as long as more than such a share of the columns is new.
    few_steps: Count = 5_000
    steps_per_row: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.75
    many_new: Share = 0.1
    # Where no more than such a share of the columns is new and nothing else has changed, the simplex method is primal.
    few_new: Share = 0.01
    # An integer programme of no more columns is solved in this process, a larger one in a process of its own, whose
    # search tree is given up, with the bound that it has, when it takes more memory than this.
    columns_here: CountOrZero = 3_000
    worker_mb: Count = 750


class LoadsParams(ProgrammesParams):
    """How the components in which days or side constraints bind are solved, by loads and by HiGHS."""

    # A component of no more pairs goes straight to the closing programme, pair by pair.
    few_pairs: CountOrZero = 1_500
    # Where prices do not prove how many needs can be met, a component of no more pairs is closed pair by pair. With
    # more in memory, visits to schools with a limit are priced one by one.
    most_pairs: CountOrZero = 150_000
    # A component is bounded for this share of its time before a plan is made, and plans are searched for during this
    # share of the rest before any is proved.
    share_of_bounds: Share = 0.7
    share_of_plans: Share = 0.6
    # What a need of each level counts where plans are searched for, as multiples of one of the last level,
    level_factors: tuple[Count, Count, Count] = (256, 16, 1)
    # and what one of the last level counts, in thousandths of a score point.
    plan_bonus_milli: Count = 8_000
    # A master is solved when it is this close to its bound: for counts, as a share of a need; then in score points.
    close_count: Annotated[float, Field(gt=0, lt=1)] = 0.01
    close: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.0005
    # Days are priced in no more units than this for any supporter.
    most_day_units: Count = 200
    # The weight of the prices of the best bound so far, against the master's own.
    smoothing: Share = 0.4
    # How often supporters choose again in each round of pricing, after conflicts over the same need.
    times_apart: CountOrZero = 3
    # The most loads that come into the master in a round of pricing; more where there are very many pairs.
    most_new_loads: Count = 4_000
    # A neighbourhood: its supporters, its loads, and the nodes of its search tree, at most; and how many are searched
    # in a row without finding a better plan.
    neighbourhood_people: Count = 120
    neighbourhood_loads: Count = 4_000
    neighbourhood_nodes: Count = 100
    neighbourhoods: CountOrZero = 8
    # The restricted master in whole numbers: its supporters, nearest to what it splits, and its nodes, at most. First
    # fewer supporters, which takes a second or two, then more from the plan that this finds.
    master_people: tuple[Count, ...] = (1_500, 6_000)
    master_nodes: Count = 300
    # The most loads of a closing programme, and of one supporter in it; others take part pair by pair.
    most_loads: Count = 20_000
    most_loads_each: Count = 2_000


class WhatIfParams(_Section):
    """How a plan is solved again after one small change."""

    # A component of no more pairs is searched as a whole straight away: that takes tenths of a second.
    few_pairs: CountOrZero = 4_000
    # Otherwise only the needs around the change may move first: at least this many of them, in one search each.
    needs_around: tuple[Count, ...] = (40, 200)
    # Each step away from the change follows this many of every need's best pairs.
    best_pairs: Count = 4


class SolveParams(_Section):
    """Every tuning number of a run, by the stage that it belongs to."""

    # How long the search for days and side constraints may take unless the caller gives a limit.
    time_limit_s: Seconds = 60.0
    market: MarketParams = MarketParams()
    flow: FlowParams = FlowParams()
    auction: AuctionParams = AuctionParams()
    loads: LoadsParams = LoadsParams()
    what_if: WhatIfParams = WhatIfParams()


DEFAULTS = SolveParams()
