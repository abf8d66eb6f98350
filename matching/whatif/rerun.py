"""What a rerun would change, before it is accepted."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from matching.errors import counted
from matching.inputs.inputs import Inputs
from matching.plan.compare import Comparison, compare
from matching.plan.write import Plan
from matching.solve.problem import LEVELS

PEOPLE_COLUMNS = ("supporter_id", "supporter_name", "had", "gets", "because")


@dataclass(frozen=True)
class Preview:
    """What a rerun would change.

    Attributes
    ----------
    comparison : Comparison
        Of the two plans.
    people : DataFrame
        `PEOPLE_COLUMNS`: the supporters whose deployments change; `had` and `gets` are need_ids, separated by ';', and
        `because` names the decisions against what they had.
    gained, lost : tuple of str
        The need_ids that are newly met, and newly unmet.
    """

    sentences: tuple[str, ...]
    comparison: Comparison
    people: pd.DataFrame
    gained: tuple[str, ...]
    lost: tuple[str, ...]


def rerun_preview(before: Plan, after: Plan, inputs_before: Inputs, inputs: Inputs) -> Preview:
    """Return what a rerun would change, before it is accepted.

    Parameters
    ----------
    inputs_before, inputs : Inputs
        Of the plan before and of the rerun, whose decisions are the reason why a deployment had to end.
    """
    compared = compare(before, after, lambda: (inputs_before, inputs))
    changes = compared.changes
    gained, lost = (tuple(changes.loc[changes["change"] == kind, "need_id"]) for kind in ("gained", "lost"))
    people = _people(before, after, inputs)
    # Without the comparison's own sentence about people, which this one replaces.
    had, gets = _held_by(before), _held_by(after)
    losing = sum(bool(held - gets.get(one, set())) for one, held in had.items())
    sentences = [*compared.sentences()[:1], *_about_people(len(people), losing)]
    for level in compared.levels[compared.levels["level"].isin(LEVELS[:-1])].to_dict("records"):
        if level["difference"]:
            more = "more" if level["difference"] > 0 else "fewer"
            count = abs(int(level["difference"]))
            sentences.append(f"{count:,} {more} {level['level']} {'need' if count == 1 else 'needs'} met.")
    return Preview(tuple(sentences), compared, people, gained, lost)


def _about_people(affected: int, losing: int) -> list[str]:
    lose = f"{'loses' if losing == 1 else 'lose'} a deployment or {'has' if losing == 1 else 'have'} it changed"
    if not affected:
        return []
    if not losing:
        return [f"{counted(affected, 'person is', 'people are')} affected, and no one loses a deployment."]
    if losing == affected:
        return [f"{counted(losing, 'person', 'people')} {lose}."]
    return [f"{counted(affected, 'person is', 'people are')} affected; {losing:,} of them {lose}."]


def _people(before: Plan, after: Plan, inputs: Inputs) -> pd.DataFrame:
    had, gets = _held_by(before), _held_by(after)
    names = {
        **dict(zip(before.deployments["supporter_id"], before.deployments["supporter_name"], strict=True)),
        **dict(zip(after.deployments["supporter_id"], after.deployments["supporter_name"], strict=True)),
    }
    against = inputs.decisions[inputs.decisions["kind"] != "pin"]
    kind_of = {(n, s): kind for n, s, kind in against[["need_id", "supporter_id", "kind"]].itertuples(index=False)}
    rows = []
    for supporter_id in sorted({*had, *gets}):
        left, new = had.get(supporter_id, set()), gets.get(supporter_id, set())
        if left != new:
            because = [
                f"{'forbidden' if kind_of[need_id, supporter_id] == 'forbid' else 'declined'} {need_id}"
                for need_id in sorted(left - new)
                if (need_id, supporter_id) in kind_of
            ]
            rows.append(
                (supporter_id, names[supporter_id], ";".join(sorted(left)), ";".join(sorted(new)), "; ".join(because))
            )
    return pd.DataFrame(rows, columns=list(PEOPLE_COLUMNS), dtype="object")


def _held_by(plan: Plan) -> Mapping[str, set[str]]:
    return {str(who): set(theirs) for who, theirs in plan.deployments.groupby("supporter_id")["need_id"]}
