"""Private remarks: a plan whose sentences keep back what people wrote about their decisions."""

from dataclasses import replace

import pandas as pd

from matching.inputs.inputs import Inputs
from matching.plan.write import Plan


def without_remarks(plan: Plan, inputs: Inputs) -> Plan:
    """Return a plan without the remarks of decisions, for documents and letters.

    The sentence of a deployment gives the reason of its pin in brackets, and the nearest option of a need that of a
    refusal, as `matching.plan.reasons` and `matching.plan.phrases` write it.

    Parameters
    ----------
    plan : Plan
    inputs : Inputs
        Those that it was made from.
    """
    written = inputs.decisions[inputs.decisions["reason"] != ""]
    remarks = {
        need_id: [f" ({reason})" for reason in rows.sort_values(key=lambda one: -one.str.len())]
        for need_id, rows in written.groupby("need_id")["reason"]
    }

    def kept_back(table: pd.DataFrame, column: str) -> list[str]:
        return [
            _without(sentence, remarks.get(need_id, []))
            for need_id, sentence in zip(table["need_id"], table[column], strict=True)
        ]

    met, unmet = plan.deployments, plan.unmet
    return replace(
        plan,
        deployments=met.assign(reason=kept_back(met, "reason")),
        unmet=unmet.assign(reason=kept_back(unmet, "reason"), nearest_option=kept_back(unmet, "nearest_option")),
    )


def _without(sentence: str, remarks: list[str]) -> str:
    for remark in remarks:
        sentence = sentence.replace(remark, "")
    return sentence
