"""Side constraints: packages, and limits on a school's supporters and on a home school's deployments.

They apply to an outcome, not to a pair: whether a pair may be added depends on the others. Pins are kept whatever these
rules require, and count towards the limits.
"""

from dataclasses import dataclass

import numpy as np

from matching.errors import counted
from matching.pairs.rules import Rulebook
from matching.solve.problem import UNMET, Flags, Integers, Positions, SideConstraints


def hopeless(rulebook: Rulebook, eligible_by_need: Positions) -> Flags:
    """Return by need whether its package cannot be met, because some need of it has no eligible supporter."""
    alone = eligible_by_need == 0
    alone[rulebook.pins[0]] = False
    return (rulebook.package >= 0) & np.isin(rulebook.package, rulebook.package[alone])


def met_in_part(rulebook: Rulebook, supporter_of: Positions) -> Flags:
    """Return by need whether its package has met and unmet needs."""
    met, package = supporter_of != UNMET, rulebook.package
    return (package >= 0) & np.isin(package, package[met]) & np.isin(package, package[~met])


def side_constraints_of(rulebook: Rulebook) -> SideConstraints | None:
    """Return the side constraints that remain after the pins; None where no rule sets any."""
    if not rulebook.has_side_constraints:
        return None
    counts = _counts_of_pins(rulebook)
    package = rulebook.package.copy()
    # A pinned need is met whatever becomes of its package.
    package[rulebook.pins[0]] = -1
    no_limit = len(rulebook.need_school)

    def left(limit: int | None, used: Integers) -> Integers:
        return np.maximum((no_limit if limit is None else limit) - used, 0)

    return SideConstraints(
        package=package,
        school=rulebook.need_school,
        supporters_left=left(rulebook.inputs.policy.rules.max_supporters_per_school, counts.coming),
        pinned_visits=counts.visits,
        home=rulebook.home_school,
        deployments_left=left(rulebook.inputs.policy.rules.max_per_home_school, counts.leaving),
    )


@dataclass(frozen=True)
class OutcomeCounts:
    """The counts of an outcome that side constraints limit.

    Attributes
    ----------
    supporter_of : ndarray of intp
        By need: its supporter, or `UNMET`.
    """

    rulebook: Rulebook
    supporter_of: Positions

    @property
    def coming(self) -> Integers:
        """By school: the number of supporters who come to it."""
        schools = np.unique(self.visits) // self._n_people
        return np.bincount(schools, minlength=self._n_schools).astype(np.int64)

    @property
    def leaving(self) -> Integers:
        """By home school: the number of deployments its supporters have."""
        met = self.supporter_of != UNMET
        homes = self.rulebook.home_school[self.supporter_of[met]]
        return np.bincount(homes, minlength=self._n_schools).astype(np.int64)

    def already_visits(self, need: Positions, supporter: Positions) -> Flags:
        """Return whether each pair's supporter already comes to the need's school."""
        return np.isin(self.rulebook.need_school[need] * self._n_people + supporter, self.visits)

    def over_school(self, need: Positions, supporter: Positions) -> Flags:
        """Return whether each pair, in place of what the need has, would bring too many supporters to its school."""
        limit = self.rulebook.inputs.policy.rules.max_supporters_per_school
        if limit is None:
            return np.zeros(len(need), dtype=bool)
        met = self.supporter_of[need] != UNMET
        holder = np.where(met, self.supporter_of[need], 0)
        visit = self.rulebook.need_school[need] * self._n_people + holder
        visits, times = np.unique(self.visits, return_counts=True)
        place = np.minimum(np.searchsorted(visits, visit), max(len(visits) - 1, 0))
        frees = met & (times[place] == 1) if len(visits) else met
        come = self.coming[self.rulebook.need_school[need]]
        return np.asarray(~self.already_visits(need, supporter) & (come - frees >= limit))

    def over_home(self, need: Positions, supporter: Positions) -> Flags:
        """Return whether each pair, in place of what the need has, would exceed its home school's limit."""
        limit = self.rulebook.inputs.policy.rules.max_per_home_school
        if limit is None:
            return np.zeros(len(need), dtype=bool)
        homes = self.rulebook.home_school
        met = self.supporter_of[need] != UNMET
        frees = met & (homes[np.where(met, self.supporter_of[need], 0)] == homes[supporter])
        return np.asarray(self.leaving[homes[supporter]] - frees >= limit)

    @property
    def visits(self) -> Integers:
        """By deployment: its school and its supporter as one number."""
        met = self.supporter_of != UNMET
        visits: Integers = self.rulebook.need_school[met] * self._n_people + self.supporter_of[met]
        return visits

    @property
    def _n_people(self) -> int:
        return len(self.rulebook.inputs.supporters)

    @property
    def _n_schools(self) -> int:
        return len(self.rulebook.inputs.schools)


def _counts_of_pins(rulebook: Rulebook) -> OutcomeCounts:
    pinned_need, pinned_supporter = rulebook.pins
    pinned = np.full(len(rulebook.need_school), UNMET, dtype=np.intp)
    pinned[pinned_need] = pinned_supporter
    return OutcomeCounts(rulebook, pinned)


def overfull_by_pins(rulebook: Rulebook) -> list[str]:
    """Return a sentence for each supporter whose pins together take more than the supporter's places or days."""
    people, (places, days) = rulebook.inputs.supporters, rulebook.used_by_pins
    # What a single pin exceeds is a rule of its pair.
    several = places > 1
    notices = []
    for supporter in np.flatnonzero(several & ((places > rulebook.places) | (days > rulebook.days_offered))).tolist():
        has, offers = [], []
        if places[supporter] > rulebook.places[supporter]:
            has.append(counted(int(places[supporter]), "need"))
            offers.append(counted(int(rulebook.places[supporter]), "place"))
        if days[supporter] > rulebook.days_offered[supporter]:
            has.append(f"needs of {days[supporter] / 100:g} days in all")
            offers.append(f"{rulebook.days_offered[supporter] / 100:g} days")
        who = f"{people['name'].iat[supporter]} ({people['supporter_id'].iat[supporter]})"
        notices.append(f"By pins {who} has {' and '.join(has)}, and offers {' and '.join(offers)}.")
    return notices


def side_constraint_notices(rulebook: Rulebook, supporter_of: Positions) -> list[str]:
    """Return a sentence for each side constraint that pins break."""
    rules, schools = rulebook.inputs.policy.rules, rulebook.inputs.schools["name"]
    counts = _counts_of_pins(rulebook)
    notices = [
        f"By pins there are {counted(int(count[school]), one, several)} {what} {schools.iat[school]}, although at most "
        f"{limit} may be."
        for count, limit, one, several, what in (
            (counts.coming, rules.max_supporters_per_school, "person", "people", "to"),
            (counts.leaving, rules.max_per_home_school, "deployment", "deployments", "from"),
        )
        if limit is not None
        for school in np.flatnonzero(count > limit).tolist()
    ]
    package, packages_of_pins = rulebook.package, rulebook.package[rulebook.pins[0]]
    for one in np.unique(packages_of_pins[packages_of_pins >= 0]).tolist():
        needs = np.flatnonzero(package == one)
        unmet = needs[supporter_of[needs] == UNMET]
        if len(unmet):
            word = rulebook.inputs.needs["package"].iat[int(needs[0])]
            notices.append(
                f"Package {word} is met in part: a pin is kept, and {counted(len(unmet), 'need')} of it could not be "
                "met."
            )
    return notices
