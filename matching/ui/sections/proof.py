"""How far a plan may be from the best one."""

from collections.abc import Mapping
from typing import Any

from matching.plan.write import Plan
from matching.tables.formats import PRIORITIES


def unproved_levels(plan: Plan) -> list[str]:
    """Return each level of the objective that a better plan might raise, with its value and its bound."""
    return [
        f"{_level_words(level)}: {level['value']:,} of at most {level['bound']:,}"
        for level in plan.manifest["objective"]
        if level["value"] != level["bound"]
    ]


def _level_words(level: Mapping[str, Any]) -> str:
    name = level["level"]
    added = " with what kept deployments add" if level.get("kept_bonus") else ""
    return f"{name} needs met" if name in PRIORITIES else f"total {name}{added}"
