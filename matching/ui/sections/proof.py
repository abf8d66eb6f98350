"""How far a plan may be from the best one."""

from matching.plan.write import Plan
from matching.tables.formats import PRIORITIES


def unproved_levels(plan: Plan) -> list[str]:
    """Return each level of the objective that a better plan might raise, with its value and its bound."""
    return [
        f"{_level_words(level['level'])}: {level['value']:,} of at most {level['bound']:,}"
        for level in plan.manifest["objective"]
        if level["value"] != level["bound"]
    ]


def _level_words(level: str) -> str:
    """Return the name of a level in words."""
    return f"{level} needs met" if level in PRIORITIES else f"total {level}"
