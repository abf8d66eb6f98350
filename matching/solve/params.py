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
    """When a round is large, and how its pairs are then found.

    Attributes
    ----------
    large_above : int
        A round with more pairs within reach than this is solved from candidate pairs instead of all of them.
    nearest_supporters : int
        Candidates of each need in a large round: its nearest supporters of each designation.
    pairs_per_block : int
        About how many pairs are in memory at a time where all of them are looked at.
    price_bands : int
        Needs, and supporters, are searched in about this many bands of similar prices.
    band_jump_milli : int
        Prices in one band differ by no more than this from one to the next, in thousandths.
    """

    large_above: CountOrZero = 500_000
    nearest_supporters: Count = 12
    pairs_per_block: Count = 250_000
    price_bands: Count = 5
    band_jump_milli: Milli = 500


class FlowParams(_Section):
    """How the optimum with places only is found, over few pairs to begin with.

    Attributes
    ----------
    first_pairs : int
        Pairs of each need that has to be met.
    first_pairs_per_place, first_pairs_extra : int
        Pairs of each scarce supporter with needs that may stay unmet: this many for each place, and this many more.
    more_pairs : int
        The most pairs that each need adds in a round of pricing.
    auction_above : int
        With more first pairs than this, an auction estimates the dual prices beforehand.
    pairs_per_solve : int
        Small connected components are solved together, about this many pairs at a time.
    sweeps : int
        Sweeps that dual prices get to settle after a local repair; those of an optimum mostly need 20 to 180.
    reach : float
        How far a change is followed, as a share of what it gains. With 1, nothing that could matter is left out; with
        less, more components have to be solved again as a whole.
    """

    first_pairs: Count = 8
    first_pairs_per_place: CountOrZero = 2
    first_pairs_extra: CountOrZero = 4
    more_pairs: Count = 16
    auction_above: CountOrZero = 30_000
    pairs_per_solve: Count = 2_000
    sweeps: Count = 500
    reach: Share = 1.0


class AuctionParams(_Section):
    """How the auction estimates dual prices.

    Attributes
    ----------
    step_milli : int
        The least by which a bid exceeds the one before, in thousandths.
    rebate_milli : int
        By how much prices are lowered before the second auction, in thousandths.
    few_bidders : int
        An auction ends with this many bidders left: they would outbid each other for long.
    most_turns : int
        An auction ends after this many turns in any case.
    near_milli : int
        A pair matters if it falls short of its need's best by no more than this, in thousandths.
    """

    step_milli: Annotated[int, Field(ge=1)] = 8
    rebate_milli: Milli = 50
    few_bidders: CountOrZero = 10
    most_turns: CountOrZero = 10_000
    near_milli: Milli = 20


class ProgrammesParams(_Section):
    """How HiGHS solves linear and integer programmes.

    Attributes
    ----------
    few_steps : int
    steps_per_row : float
        A linear programme gets this many steps of the simplex method, or this many for each row if that is more. Then
        an interior point takes over.
    many_new : float
        After that the interior point is used first, as long as more than this share of the columns is new.
    columns_here : int
        An integer programme of no more columns is solved in this process, a larger one in a process of its own.
    worker_mb : int
        The most memory of that process: a search tree that grows beyond it is given up with the bound that it has.
    """

    few_steps: Count = 5_000
    steps_per_row: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.75
    many_new: Share = 0.1
    columns_here: CountOrZero = 3_000
    worker_mb: Count = 750


class LoadsParams(ProgrammesParams):
    """How the components in which days or side constraints bind are solved, by loads and by HiGHS.

    Attributes
    ----------
    few_pairs : int
        A component of no more pairs goes straight to the closing programme, pair by pair.
    most_pairs : int
        Where prices do not prove how many needs can be met, a component of no more pairs is closed pair by pair. With
        more in memory, visits to schools with a limit are priced one by one.
    share_of_bounds : float
        The share of its time in which a component is bounded before a plan is made.
    share_of_plans : float
        The share of the time after that in which plans are searched for before any is proved.
    level_factors : tuple of int
        What a need of each level counts, as multiples of the last one.
    plan_bonus_milli : int
        What a need of the last level counts where plans are searched for, in thousandths.
    close_count : float
        A count is bounded closely enough within this share of a need.
    most_day_units : int
        Days are priced in no more units than this for any supporter.
    smoothing : float
        The weight of the prices of the best bound so far, against the master's own.
    times_apart : int
        How often supporters choose again in each round of pricing, after conflicts over the same need.
    most_new_loads : int
        The most loads that come into the master in a round of pricing; more where there are very many pairs.
    close : float
        The master is solved when it is this close to its bound, in score points.
    neighbourhood_people, neighbourhoods : int
        The number of supporters in a neighbourhood, and how many are searched in a row without finding a better plan.
    neighbourhood_nodes : int
        The most nodes of the search tree of a neighbourhood.
    neighbourhood_loads : int
        The most loads of a neighbourhood.
    master_people : int
        The most supporters for whom the restricted master is solved in whole numbers, nearest to what it splits.
    master_nodes : int
        The most nodes of the search tree of the restricted master in whole numbers.
    most_loads, most_loads_each : int
        The most loads of a closing programme, and of one supporter in it; others take part pair by pair.
    """

    few_pairs: CountOrZero = 1_500
    share_of_bounds: Share = 0.7
    share_of_plans: Share = 0.6
    level_factors: tuple[Count, Count, Count] = (256, 16, 1)
    plan_bonus_milli: Count = 8_000
    most_pairs: CountOrZero = 150_000
    close_count: Annotated[float, Field(gt=0, lt=1)] = 0.01
    most_day_units: Count = 200
    smoothing: Share = 0.4
    times_apart: CountOrZero = 3
    most_new_loads: Count = 4_000
    close: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.0005
    neighbourhood_people: Count = 120
    neighbourhoods: CountOrZero = 8
    neighbourhood_nodes: Count = 100
    neighbourhood_loads: Count = 6_000
    master_people: Count = 600
    master_nodes: Count = 300
    most_loads: Count = 20_000
    most_loads_each: Count = 2_000


class WhatIfParams(_Section):
    """How a plan is solved again after one small change.

    Attributes
    ----------
    few_pairs : int
        A component of no more pairs is searched as a whole straight away: that takes tenths of a second.
    needs_around : tuple of int
        Otherwise only the needs around the change may move first: at least this many of them, in one search each.
    best_pairs : int
        Each step away from the change follows this many of every need's best pairs.
    """

    few_pairs: CountOrZero = 4_000
    needs_around: tuple[Count, ...] = (40, 200)
    best_pairs: Count = 4


class SolveParams(_Section):
    """Every tuning number of a run, by the stage that it belongs to.

    Attributes
    ----------
    time_limit_s : float
        How long the search for days and side constraints may take, in seconds, unless the caller gives a limit.
    """

    time_limit_s: Seconds = 60.0
    market: MarketParams = MarketParams()
    flow: FlowParams = FlowParams()
    auction: AuctionParams = AuctionParams()
    loads: LoadsParams = LoadsParams()
    what_if: WhatIfParams = WhatIfParams()


DEFAULTS = SolveParams()
