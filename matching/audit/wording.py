"""A plan written again from its outcome, and its cells and sentences compared with that.

How a sentence is worded may differ between versions and is reported apart; what it states may not. This is the only
module of the audit that uses the rules and the solver's values, through `make_plan`: rules, numbers and the proof are
checked without it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from matching.audit.stated import Fact, Terms, is_among
from matching.errors import counted
from matching.inputs.inputs import Inputs
from matching.pairs.market import Market, open_market
from matching.pairs.rules import positions
from matching.plan.earlier_formats import is_about_unused_columns
from matching.plan.on_disk import SavedPlan
from matching.plan.outcome import Outcome
from matching.plan.write import PROOF_BY_LOADS, Plan, make_plan
from matching.solve.problem import UNMET, Assignment, Positions

_SENTENCES = {"plan.csv": ("reason",), "unmet.csv": ("reason", "nearest_option"), "excluded.csv": ("reason",)}
# What a round knows of a deployment is not in the inputs; the other one is not in every format.
_NOT_COMPARED = {"plan.csv": ("status", "rules_broken")}


@dataclass(frozen=True)
class Reworded:
    """Sentences about a plan: what is wrong in its cells, and what is only worded in another way."""

    faults: tuple[str, ...]
    wording: tuple[str, ...]


def compare_wording(saved: SavedPlan, inputs: Inputs) -> Reworded:
    """Compare a plan, whose rules and proof hold, with the same outcome written again."""
    market = open_market(inputs)
    again = _written_again(saved.plan, market)
    faults: list[str] = []
    compared = _Compared(saved, market, Terms(inputs))
    for (name, found), expected in zip(saved.plan.tables().items(), again.tables().values(), strict=True):
        apart = (*_SENTENCES.get(name, ()), *_NOT_COMPARED.get(name, ()))
        cells = [column for column in expected if column not in apart]
        # Rows in another order would make every sentence a fault.
        wrong = cell_faults(name, found[cells], expected[cells])
        faults += wrong or compared.sentence_faults(name, found, expected)
    if saved.plan.surplus is not None and again.surplus is not None:
        columns = list(again.surplus)
        faults += cell_faults("surplus.csv", saved.plan.surplus[columns], again.surplus)
    return Reworded((*faults, *compared.manifest_faults(again)), compared.wording())


class _Compared:
    """The sentences of one plan, and how many of them are worded in another way."""

    def __init__(self, saved: SavedPlan, market: Market, terms: Terms) -> None:
        self._saved, self._market, self._terms = saved, market, terms
        inputs = market.inputs
        self._need_row = {one: row for row, one in enumerate(inputs.needs["need_id"].tolist())}
        self._person_row = {one: row for row, one in enumerate(inputs.supporters["supporter_id"].tolist())}
        self._reworded, self._missing = 0, 0

    def wording(self) -> tuple[str, ...]:
        """What is worded in another way, in sentences."""
        found = []
        if self._reworded:
            count = counted(self._reworded, "sentence is", "sentences are")
            found.append(f"{count} worded differently from this version's, with the same facts.")
        if self._missing:
            found.append(f"{counted(self._missing, 'notice')} of this version's are not in the plan.")
        return tuple(found)

    def sentence_faults(self, name: str, found: pd.DataFrame, expected: pd.DataFrame) -> Iterator[str]:
        """Sentences of a table that state something else than the facts of their row."""
        for column in _SENTENCES.get(name, ()):
            for row in np.flatnonzero((found[column] != expected[column]).to_numpy()).tolist():
                sentence, right = str(found[column].iat[row]), str(expected[column].iat[row])
                if self._is_true(sentence, right, expected.iloc[row]):
                    self._reworded += 1
                else:
                    key = str(found.iat[row, 0])
                    yield f"{name} {key}: {column} is '{sentence}', and the inputs give '{right}'."

    def manifest_faults(self, again: Plan) -> Iterator[str]:
        """Counts, notices and the method of the proof where they do not follow from the inputs and the plan."""
        manifest, is_old = self._saved.plan.manifest, self._saved.format == 1
        counts = again.manifest["counts"]
        for name in sorted({*manifest["counts"], *counts}):
            found, expected = manifest["counts"].get(name), counts.get(name)
            if found != expected and not (is_old and found is None):
                yield f"manifest.json: the count of {name} is {found}, and {expected} was expected."
        method = again.manifest["proof"]["method"]
        if manifest["proof"]["method"] != method and not is_old:
            yield f"manifest.json: the method of the proof is '{manifest['proof']['method']}', and it is '{method}'."
        yield from self._notice_faults(list(manifest["notices"]), again.manifest["notices"])

    def _notice_faults(self, found: list[str], expected: list[str]) -> Iterator[str]:
        if found == expected:
            return
        if self._saved.format > 1 and len(found) != len(expected):
            yield f"manifest.json: it has {counted(len(found), 'notice')}, and {len(expected)} were expected."
            return
        left = [notice for notice in expected if notice not in found]
        for notice in (notice for notice in found if notice not in expected):
            same = next((one for one in left if self._states_no_more(notice, one)), None)
            if same is not None:
                left.remove(same)
                self._reworded += 1
            elif self._saved.format > 1 or not is_about_unused_columns(notice, self._saved.sources):
                yield f"manifest.json: the notice '{notice}' does not follow from the inputs and the plan."
        self._missing += len(left)

    def _is_true(self, sentence: str, right: str, row: pd.Series) -> bool:
        """Whether a sentence states what the row's own does or, in format 1, nothing but facts of the row."""
        if self._saved.format > 1 or "need_id" not in row:
            return self._states_no_more(sentence, right)
        facts = set(self._terms.stated(right)) | set(self._facts_of_row(row))
        stated = set(self._terms.stated(sentence))
        people = [self._person_row[text] for _, text in stated if text in self._person_row]
        facts |= set(self._facts_of_people(row, people))
        named = (self._market.supporters[one] for one in people)
        are_named = all(f"{who['name']} ({who['supporter_id']})" in sentence for who in named)
        return are_named and all(is_among(fact, facts) for fact in stated)

    def _states_no_more(self, sentence: str, right: str) -> bool:
        found, expected = self._terms.stated(sentence), self._terms.stated(right)
        if self._saved.format == 2:
            # It gave distances to a tenth of a km.
            pairs = zip(_in_order(found), _in_order(expected), strict=False)
            return found.total() == expected.total() and all(is_among(one, [other]) for one, other in pairs)
        if self._saved.format > 2:
            return found == expected
        return all(is_among(fact, expected) for fact in found)

    def _facts_of_row(self, row: pd.Series) -> Iterator[Fact]:
        yield "day", row["days"]
        yield "", str(int(self._market.eligible_by_need[self._need_row[row["need_id"]]]))
        yield "term", row["focus"]
        for column in ("reason", "nearest_option"):
            if column in row:
                yield from self._terms.stated(row[column])
        if "distance_km" in row:
            yield "km", row["distance_km"]
            yield "", row["score"]

    def _facts_of_people(self, row: pd.Series, people: Sequence[int]) -> Iterator[Fact]:
        """Facts of the people whom a sentence names, with regard to the need of its row."""
        rulebook, need = self._market.rulebook, np.array([self._need_row[row["need_id"]]])
        for one in people:
            who, fits = self._market.supporters[one], rulebook.fits(need, np.array([one]))
            yield from self._terms.stated(f"Is {who['name']} ({who['supporter_id']})")
            yield "km", f"{fits.distance_km[0]:.6f}"
            yield "km", f"{rulebook.limit_km[one]:g}"
            yield "", f"{fits.score_milli[0] / 1000:.3f}"
            yield "day", f"{who['days_available']:g}"


def _in_order(stated: Counter[Fact]) -> list[Fact]:
    return sorted(stated.elements(), key=lambda one: (one[0], float(one[1]) if one[0] == "km" else 0.0, one[1]))


def _written_again(plan: Plan, market: Market) -> Plan:
    inputs = market.inputs
    supporter_of = np.full(len(inputs.needs), UNMET, dtype=np.intp)
    origin = np.full(len(inputs.needs), "", dtype=object)
    need = positions(inputs.needs["need_id"], plan.deployments["need_id"])
    supporter_of[need] = positions(inputs.supporters["supporter_id"], plan.deployments["supporter_id"])
    origin[need] = plan.deployments["origin"]
    return make_plan(market, Outcome(supporter_of, origin), _as_assigned(plan, inputs, supporter_of))


def _as_assigned(plan: Plan, inputs: Inputs, supporter_of: Positions) -> Assignment:
    """Return the solver's result as the plan states it; the proof has been checked by now."""
    price = np.zeros(len(inputs.supporters))
    row = positions(inputs.supporters["supporter_id"], plan.workload["supporter_id"])
    price[row] = [1000 * float(text) if text else np.nan for text in plan.workload["price"]]
    levels = pd.DataFrame(plan.manifest["objective"])[["value", "bound"]].to_numpy() * [[1], [1], [1], [1000]]
    values, bounds = np.rint(levels).astype(int).T.tolist()
    bonus_milli = round(1000 * plan.manifest["proof"]["bonus"])
    surplus = None
    if plan.surplus is not None and plan.manifest["proof"]["method"] == PROOF_BY_LOADS:
        surplus = np.array([1000 * float(text) if text else np.nan for text in plan.surplus["surplus"]])
    searched = bool(np.isnan(price).any())
    return Assignment(supporter_of, price, tuple(values), tuple(bounds), bonus_milli, searched, surplus)


def cell_faults(name: str, found: pd.DataFrame, expected: pd.DataFrame, *, keys: int = 1) -> list[str]:
    """Return a sentence for every cell that differs; the first `keys` columns identify the row."""
    if found.shape != expected.shape:
        return [f"{name} has {counted(len(found), 'row')}, and {len(expected):,} were expected."]
    written, right = found.to_numpy(), expected.to_numpy()
    return [
        f"{name} {', '.join(written[row, :keys])}: {found.columns[column]} is '{written[row, column]}', and "
        f"'{right[row, column]}' was expected."
        for row, column in np.argwhere(written != right).tolist()
    ]
