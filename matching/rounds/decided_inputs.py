"""A round's tables with what its desk decided: the files that say so, and the inputs read from them.

Only what decisions change is read anew: to read every school again takes longer than anybody waits at the telephone.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from matching.errors import DataError, Problem, counted
from matching.inputs.locations import options_of, places, with_cells
from matching.inputs.read import InputFile, Inputs
from matching.pairs.market import Market, Row
from matching.pairs.rules import RULES, positions
from matching.pairs.side_constraints import OutcomeCounts, met_in_part
from matching.plan.phrases import bar_phrases
from matching.plan.write import Plan
from matching.rounds.decisions_table import decisions_source
from matching.rounds.events import Event
from matching.rounds.state import Desk, Placement, desk_of, live_supporters
from matching.solve.arrays import Positions
from matching.solve.problem import UNMET
from matching.tables.files import Source, read_sheet
from matching.tables.formats import known_columns, read_table, table_formats
from matching.tables.vocabulary import standard_vocabulary
from matching.whatif.resolve import changed_market, position_of

PLACES, DAYS, SCHOOL_LIMIT, HOME_LIMIT = "places offered", "days offered", "school limit", "home school limit"
"""Names, in a swap's `broken`, of the rules that are about all that somebody holds; the others are those of `RULES`."""

_BARS = ("forbidden", "declined")
_UNSAID: Row = {"reason": "Stands in the accepted plan", "by": "", "on": None}


@dataclass(frozen=True)
class Broken:
    """A rule that a placement breaks: its name, and the end of a sentence about the supporter."""

    rule: str
    words: str


# ---- what decisions change -----------------------------------------------------------------------------------------


def serving(plan: Plan) -> dict[str, str]:
    """Who serves which need in a plan."""
    return dict(zip(plan.deployments["need_id"], plan.deployments["supporter_id"], strict=True))


def is_changed(events: Sequence[Event], plan: Plan) -> bool:
    """Whether what was decided since a plan was made makes another plan of it."""
    now = desk_of(events)
    then = desk_of(one for one in events if one.number <= now.planned)
    before = serving(plan)
    return _holding(now) != _holding(then) or live_supporters(before, now) != before


def _holding(desk: Desk) -> tuple[dict[str, tuple[str, str]], dict[tuple[str, str], str]]:
    placed = {need_id: (one.kind, one.supporter_id) for need_id, one in desk.placements.items()}
    return placed, {pair: one.kind for pair, one in desk.barred.items()}


def as_placed(desk: Desk, market: Market, supporter_of: Mapping[str, str]) -> Desk:
    """The desk with a pin for everybody who stays against a rule, since the accepted plan put them there.

    So does who stays in a package of which something has come open. Who has agreed is not held by that alone.

    Parameters
    ----------
    desk : Desk
    market : Market
        Of the accepted plan.
    supporter_of : mapping of str to str
        Who serves what now.
    """
    need_ids = [one for one in supporter_of if one not in desk.placements]
    need = positions(market.inputs.needs["need_id"], pd.Series(need_ids, dtype="object"))
    people = pd.Series([supporter_of[one] for one in need_ids], dtype="object")
    supporter = positions(market.inputs.supporters["supporter_id"], people)
    in_part = met_in_part(market.rulebook, _outcome(market.inputs, supporter_of))
    against = ~market.rulebook.eligible(need, supporter) | in_part[need]
    said = {
        (row["need_id"], row["supporter_id"]): row
        for row in market.inputs.decisions.to_dict("records")
        if row["kind"] == "pin"
    }
    staying = {}
    for one in np.flatnonzero(against).tolist():
        need_id, supporter_id = need_ids[one], str(people.iat[one])
        row = said.get((need_id, supporter_id), _UNSAID)
        on = row["on"] if isinstance(row["on"], date) else market.inputs.as_at
        staying[need_id] = Placement(
            need_id, supporter_id, "pin", 0, 0, str(row["reason"]), str(row["by"]), on, broken=_BARS
        )
    events = tuple(one for one in desk.events if one.kind != "status")
    return replace(desk, pins={**staying, **desk.pins}, events=events)


def decided_sources(
    sources: Mapping[str, Source], inputs: Inputs, base: Source | None, desk: Desk, supporter_of: Mapping[str, str]
) -> dict[str, Source]:
    """The files of a run with what the desk decided in them.

    Parameters
    ----------
    sources : mapping of str to Source
    inputs : Inputs
        Read from them, or from the same but for the decisions and the baseline.
    base : Source or None
        The round's own decisions file.
    desk : Desk
        As `as_placed` gives it.
    supporter_of : mapping of str to str
        Who serves what now. Where somebody said that a person takes more than they offer, the supporters table offers
        what they hold.
    """
    needs, people = inputs.needs, inputs.supporters
    decisions = decisions_source(
        base,
        desk,
        hold=True,
        needs=dict(zip(needs["need_id"], needs["school_urn"], strict=True)),
        supporters=set(people["supporter_id"]),
        mapping=options_of(sources).mappings.get("decisions"),
    )
    has_rows = decisions.content.count(b"\n") > 1
    changed = {name: one for name, one in sources.items() if name != "decisions"}
    if base is not None or has_rows:
        changed["decisions"] = decisions
    for column, row, offer in _stretched(inputs, desk, supporter_of):
        place = next(one for one in places(changed) if one.table == "supporters")
        if column in place.columns:
            changed = with_cells(changed, place, [row], column, f"{offer:g}")
    return changed


def _stretched(inputs: Inputs, desk: Desk, supporter_of: Mapping[str, str]) -> Iterator[tuple[str, int, float]]:
    """Column, row in the file and new offer of those who take more than they offer, as somebody said."""
    for rule, column, held in ((PLACES, "max_deployments", _count), (DAYS, "days_available", _days)):
        said = {one.supporter_id for one in desk.placements.values() if rule in one.broken}
        for row in inputs.supporters[inputs.supporters["supporter_id"].isin(said)].to_dict("records"):
            theirs = [need_id for need_id, one in supporter_of.items() if one == row["supporter_id"]]
            needed = held(inputs, theirs)
            if needed > row[column]:
                yield column, int(row["row"]), needed


def _count(inputs: Inputs, need_ids: Collection[str]) -> float:
    return len(need_ids)


def _days(inputs: Inputs, need_ids: Collection[str]) -> float:
    asked = inputs.needs.loc[inputs.needs["need_id"].isin(need_ids), "days"]
    return round(float(asked.sum()), 2)


# ---- the inputs with them ------------------------------------------------------------------------------------------


def decided_inputs(inputs: Inputs, sources: Mapping[str, Source]) -> Inputs:
    """What `matching.inputs.read_inputs` gives for these files, where only decisions and offers differ from `inputs`.

    Raises
    ------
    DataError
        The decisions cannot be read.
    """
    files = dict(inputs.files)
    changed = inputs
    source = sources.get("decisions")
    if source is not None and files.get("decisions", InputFile("", "", None)).sha256 != source.sha256:
        frame, rows = _decisions(source, inputs.needs, options_of(sources).mappings.get("decisions"))
        files["decisions"] = InputFile(source.name, source.sha256, rows)
        changed = replace(changed, decisions=frame)
    people = sources["supporters"]
    if files["supporters"].sha256 != people.sha256:
        files["supporters"] = InputFile(people.name, people.sha256, files["supporters"].rows)
        changed = replace(changed, supporters=_offers(inputs.supporters, sources))
    return replace(changed, files=dict(sorted(files.items())))


def _decisions(source: Source, needs: pd.DataFrame, mapping: Mapping[str, str] | None) -> tuple[pd.DataFrame, int]:
    """The decisions, a row for each need, and how many rows the file has."""
    vocabulary = standard_vocabulary()
    form = table_formats(vocabulary)["decisions"]
    table = read_table(read_sheet(source, recognise=known_columns(form, mapping)), form, vocabulary, mapping)
    if table.problems:
        raise DataError(table.problems, table.notices)
    of_school = table.frame[table.frame["need_id"] == ""].drop(columns="need_id")
    spread = of_school.merge(needs[["need_id", "school_urn"]], on="school_urn")
    both = pd.concat([table.frame[table.frame["need_id"] != ""], spread[table.frame.columns]], ignore_index=True)
    order = ["need_id", "supporter_id", "kind", "reason", "by"]
    return both.drop(columns="school_urn").sort_values(order, ignore_index=True), len(table.frame)


def _offers(people: pd.DataFrame, sources: Mapping[str, Source]) -> pd.DataFrame:
    """The supporters with the places and days that their file offers now."""
    vocabulary = standard_vocabulary()
    form, mapping = table_formats(vocabulary)["supporters"], options_of(sources).mappings.get("supporters")
    sheet = read_sheet(sources["supporters"], recognise=known_columns(form, mapping))
    frame = read_table(sheet, form, vocabulary, mapping).frame.set_index("supporter_id").loc[people["supporter_id"]]
    return people.assign(
        max_deployments=frame["max_deployments"].to_numpy().astype("int64"),
        days_available=frame["days_available"].to_numpy().astype("float64"),
    )


def decided_market(market: Market, inputs: Inputs) -> Market:
    """The market under other decisions and offers: nobody's accreditation hangs on them."""
    return changed_market(market, inputs)


# ---- what a placement breaks ---------------------------------------------------------------------------------------


def broken_rules(market: Market, supporter_of: Mapping[str, str], need_id: str, supporter_id: str) -> list[Broken]:
    """Every rule that putting somebody at a need by hand breaks as things stand: of the pair, their offer, and ties.

    Raises
    ------
    DataError
        The need or the supporter is not in the inputs.
    """
    need = position_of(market.inputs.needs["need_id"], need_id, "need")
    supporter = position_of(market.inputs.supporters["supporter_id"], supporter_id, "supporter")
    flags = market.rulebook.broken(np.array([need]), np.array([supporter]))
    names = [rule for rule in RULES if flags[rule][0]]
    found = [Broken(*one) for one in zip(names, bar_phrases(market, need, supporter), strict=True)]
    return [*found, *_overfull(market, supporter_of, need, supporter), *_tied(market, supporter_of, need, supporter)]


def _overfull(market: Market, supporter_of: Mapping[str, str], need: int, supporter: int) -> Iterator[Broken]:
    need_id = str(market.needs[need]["need_id"])
    row = market.supporters[supporter]
    theirs = [one for one, who in supporter_of.items() if who == row["supporter_id"] and one != need_id]
    listed = ", ".join(sorted(theirs))
    if theirs and len(theirs) + 1 > row["max_deployments"]:
        offer = counted(int(row["max_deployments"]), "place")
        yield Broken(PLACES, f"offers {offer} and would then have {len(theirs) + 1} needs ({listed} besides)")
    asked = _days(market.inputs, [*theirs, need_id])
    if theirs and asked > row["days_available"]:
        yield Broken(DAYS, f"offers {row['days_available']:g} days, and with {listed} it would take {asked:g}")


def _tied(market: Market, supporter_of: Mapping[str, str], need: int, supporter: int) -> Iterator[Broken]:
    inputs, rules = market.inputs, market.inputs.policy.rules
    standing = OutcomeCounts(market.rulebook, _outcome(inputs, supporter_of))
    pair = (np.array([need]), np.array([supporter]))
    if standing.over_school(*pair)[0]:
        yield Broken(
            SCHOOL_LIMIT, f"would be one more at the school than the {rules.max_supporters_per_school} that may come"
        )
    if standing.over_home(*pair)[0]:
        yield Broken(
            HOME_LIMIT, f"would be one more away from their own school than the {rules.max_per_home_school} that may go"
        )


def _outcome(inputs: Inputs, supporter_of: Mapping[str, str]) -> Positions:
    outcome = np.full(len(inputs.needs), UNMET, dtype=np.intp)
    at = positions(inputs.needs["need_id"], pd.Series(list(supporter_of), dtype="object"))
    outcome[at] = positions(inputs.supporters["supporter_id"], pd.Series(list(supporter_of.values()), dtype="object"))
    return outcome


def overfull_problems(inputs: Inputs, supporter_of: Mapping[str, str], desk: Desk) -> list[Problem]:
    """Who would hold more than they offer, where nobody said that they take it."""
    held = pd.DataFrame({"need_id": list(supporter_of), "supporter_id": list(supporter_of.values())}, dtype="object")
    held = held.merge(inputs.needs[["need_id", "days"]], on="need_id")
    people = inputs.supporters[["supporter_id", "name", "max_deployments", "days_available"]]
    taken = people.merge(held.groupby("supporter_id")["days"].agg(["size", "sum"]), on="supporter_id")
    over_places = taken["size"] > taken["max_deployments"]
    over_days = taken["sum"].round(2) > taken["days_available"]
    said = {(one.supporter_id, rule) for one in desk.placements.values() for rule in one.broken}
    problems = []
    for row in taken[over_places | over_days].assign(places=over_places, days=over_days).to_dict("records"):
        who = row["supporter_id"]
        if (row["places"] and (who, PLACES) not in said) or (row["days"] and (who, DAYS) not in said):
            theirs = ", ".join(sorted(held.loc[held["supporter_id"] == who, "need_id"]))
            message = f"{row['name']} would then have {theirs}, which is more than they offer."
            fix = "First put somebody else at one of these needs."
            problems.append(Problem("plan", None, "supporter_id", str(who), message, fix))
    return problems
