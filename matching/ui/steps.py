"""The screens in the order of the work: what each is called, where it lives and what it is for."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """One screen; `file` stands in `pages`, `purpose` is one sentence for people."""

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


START = Step("Start", "start.py", "See what is done and what is next, or change to other tables.")
TRIAGE = Step(
    "Who needs help",
    "triage.py",
    "See which schools are in challenging circumstances, and by which rule.",
)
CHECK = Step("Check the data", "check.py", "See whether the tables are sound, and who can be deployed.")
RULES = Step("Rules", "rules.py", "Say what counts most, how far people travel and what is allowed.")
PLAN = Step("Plan", "plan.py", "See who supports which school, and why.")
COMPARE = Step("Compare", "compare.py", "Put two plans of the round side by side.")
EXPORT = Step("Hand over", "hand_over.py", "Check the plan once, approve it, and take it away as files.")
HISTORY = Step("History", "history.py", "See who did what, when and why, and undo a decision.")

STEPS = (START, TRIAGE, CHECK, RULES, PLAN, COMPARE, EXPORT, HISTORY)
