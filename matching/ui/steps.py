"""The screens: the title, file and purpose of each, and their order in the menu."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """One screen; `file` is in `pages`, `purpose` is one sentence for its heading."""

    title: str
    file: str
    purpose: str

    @property
    def url_path(self) -> str:
        """The name of the screen in the address."""
        return self.file.removesuffix(".py")

    @property
    def path(self) -> str:
        """The screen's script."""
        return str(Path(__file__).parent / "pages" / self.file)


START = Step("Start", "start.py", "See what is done and what comes next.")
TODAY = Step("Today", "today.py", "See whom to approach, remind or ask next, and record what was said.")
TRIAGE = Step(
    "Who needs help",
    "triage.py",
    "See which schools are in challenging circumstances, and by which rule.",
)
CHECK = Step("Check the data", "check.py", "See whether the tables are sound, and who can be deployed.")
PEOPLE = Step("People", "people.py", "See who can support a school, add people, and record who is away or has left.")
NEEDS = Step("Needs", "needs.py", "See what schools have asked for, add needs, and change, pause or withdraw them.")
RULES = Step("Rules", "rules.py", "Choose what counts most, how far people travel and what is allowed.")
PLAN = Step("Plan", "plan.py", "See who supports which school, and why.")
COMPARE = Step("Compare", "compare.py", "Compare two plans side by side.")
EXPORT = Step("Hand over", "hand_over.py", "Check the plan, approve it and download it.")
HISTORY = Step("History", "history.py", "See who did what, when and why, and undo an entry.")

ROUNDS = Step("All rounds", "rounds.py", "Open a round, begin another, or restore one from its file.")
NEWER = Step("Newer tables", "newer_tables.py", "See what the newer tables change before you accept it.")

STEPS = (START, TODAY, TRIAGE, CHECK, PEOPLE, NEEDS, RULES, PLAN, COMPARE, EXPORT, HISTORY)
SCREENS = (*STEPS, ROUNDS, NEWER)
