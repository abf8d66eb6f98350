"""What a coordinator has to do on a day: a pure function of the state of a round, its register and the day."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from matching.accreditation import due_for_review, judge
from matching.errors import counted
from matching.inputs.inputs import Inputs
from matching.rounds.desk.moves import consents_in_words, missing_consents
from matching.rounds.history.events import ENDED, Pair
from matching.rounds.history.state import RoundState, day_of

URGENCIES = ("now", "soon", "later")
"""How urgent a line is, the most urgent first."""

STARTS_SOON_DAYS = 14
"""A deployment that must begin within this number of days is urgent."""

KINDS: Mapping[str, str] = {
    "begin": "Should have begun",
    "ask next": "No answer: ask the next person",
    "find": "Without a supporter since the last one ended",
    "remind": "No answer: remind",
    "agree": "All have consented: record the agreement",
    "consents": "Waiting for consents",
    "approach": "To be approached",
    "starts soon": "Starting soon",
    "review": "Evidence due for review",
}
"""Every kind of line, in words for people; among equally urgent lines this is their order."""


ACTIONS: Mapping[str, str] = {
    "begin": "Record that it has begun",
    "ask next": "End this one and ask the next person",
    "find": "Find another supporter",
    "remind": "Remind them",
    "agree": "Record the agreement",
    "consents": "Ask for the consents",
    "approach": "Approach them",
    "starts soon": "Confirm the start",
    "review": "Check the evidence",
}
"""By kind of line, what to do."""


@dataclass(frozen=True)
class Line:
    """One thing to do.

    Attributes
    ----------
    kind : str
        Of `KINDS`.
    urgency : str
        Of `URGENCIES`.
    need_id, supporter_id : str
        `need_id` is blank where it is about a supporter alone, and `supporter_id` where a need has none.
    status : str
        Of the deployment, or blank.
    since : date or None
        The day from which it has waited.
    days : int or None
        The days since then, or until the deployment must begin.
    start_by : date or None
    missing : tuple of str
        The parties whose consent is missing, or the criteria that are due for review.
    by : str
        Who recorded the last entry about the deployment, or blank.
    """

    kind: str
    urgency: str
    need_id: str
    supporter_id: str
    status: str = ""
    since: date | None = None
    days: int | None = None
    start_by: date | None = None
    missing: tuple[str, ...] = ()
    by: str = field(default="", repr=False)


def today(state: RoundState, supporter_of: Mapping[str, str], inputs: Inputs, day: date) -> tuple[Line, ...]:
    """Return what there is to do on a day, the most urgent first; the same arguments give the same lines.

    Parameters
    ----------
    state : RoundState
    supporter_of : mapping of str to str
        The supporter_id by need_id as things are now, as `matching.rounds.planning.standing.standing` returns it.
    inputs : Inputs
        Of the register.
    day : date

    Notes
    -----
    For each deployment at most one line:

    - proposed: to be approached;
    - approached, without an answer: after `remind_after_days` a reminder, after `ask_next_after_days` the next person;
    - a consent is given: waiting for the others that the settings ask for, or all have consented;
    - agreed: starting soon, or should have begun.

    Then a line for each open need that is without a supporter since one declined or was withdrawn, and one for each
    supporter whose evidence is due for review. What must begin within `STARTS_SOON_DAYS` is urgent.
    """
    starts = dict(inputs.all_needs[["need_id", "start_by"]].itertuples(index=False, name=None))
    accepted_on, open_needs = _accepted_on(state), {*inputs.needs["need_id"]}
    later = {need_id: one.on for need_id, one in state.placements.items() if one.number > state.planned}
    found = [
        line
        for pair in supporter_of.items()
        for line in _of_deployment(state, pair, starts.get(pair[0]) or None, later.get(pair[0], accepted_on), day)
    ]
    for need_id, since in _without_supporter(state, supporter_of).items():
        if need_id in starts and need_id in open_needs:
            start_by = starts[need_id] or None
            urgency = URGENCIES[0] if _is_near(start_by, day) else URGENCIES[1]
            found.append(Line("find", urgency, need_id, "", "", since, (day - since).days, start_by))
    found += _reviews(replace(inputs, as_at=day))
    order = list(KINDS)
    return tuple(
        sorted(
            found,
            key=lambda one: (
                URGENCIES.index(one.urgency),
                order.index(one.kind),
                one.start_by or date.max,
                one.since or date.max,
                one.need_id,
                one.supporter_id,
            ),
        )
    )


def line_in_words(line: Line) -> str:
    """Return what a line waits for and since when, in a few words."""
    since = "" if line.since is None else f" since {line.since:%d/%m/%Y}"
    days = counted(abs(line.days or 0), "day")
    checked = since[7:] or "on no known day"
    return {
        "begin": f"must have begun {days} ago",
        "ask next": f"asked {days} ago",
        "find": f"without a supporter{since}",
        "remind": f"asked {days} ago",
        "agree": f"all consents are there{since}",
        "consents": f"waiting for {consents_in_words(line.missing)}{since}" if line.missing else "",
        "approach": f"proposed{since}",
        "starts soon": f"must begin in {days}" if line.days else "must begin today",
        "review": f"{counted(len(line.missing), 'criterion', 'criteria')}, last checked {checked}",
    }[line.kind]


def _of_deployment(
    state: RoundState, pair: Pair, start_by: date | None, put_there: date | None, day: date
) -> Iterator[Line]:
    status, settings = state.status_of(*pair), state.desk
    until_start = (start_by - day).days if start_by else None
    is_near = _is_near(start_by, day)
    line = Line("", "now" if is_near else "soon", *pair, status=status, start_by=start_by, by=_last_by(state, pair))

    def waiting(kind: str, since: date | None, urgency: str = "", missing: tuple[str, ...] = ()) -> Line:
        days = (day - since).days if since else None
        return replace(line, kind=kind, urgency=urgency or line.urgency, since=since, days=days, missing=missing)

    given = state.consents.get(pair, {})
    if status in ("proposed", "approached") and any(one.answer == "yes" for one in given.values()):
        last, missing = max(one.on for one in given.values()), missing_consents(state, pair)
        yield waiting("consents", last, "", missing) if missing else waiting("agree", last, "now")
    elif status == "proposed":
        yield waiting("approach", put_there)
    elif status == "approached":
        since = state.since[pair]
        if (day - since).days >= settings.ask_next_after_days:
            yield waiting("ask next", since, "now")
        elif (day - since).days >= settings.remind_after_days:
            yield waiting("remind", since)
    elif status == "agreed" and is_near:
        kind = "begin" if (until_start or 0) < 0 else "starts soon"
        yield replace(line, kind=kind, since=start_by, days=until_start)


def _accepted_on(state: RoundState) -> date | None:
    """Return the day on which the present plan was accepted."""
    plans = [one for one in state.events if one.kind == "plan" and one.number not in state.undone]
    return plans[-1].at.date() if plans else None


def _is_near(start_by: date | None, day: date) -> bool:
    return start_by is not None and (start_by - day).days <= STARTS_SOON_DAYS


def _without_supporter(state: RoundState, supporter_of: Mapping[str, str]) -> dict[str, date]:
    """Return the needs whose last supporter declined or was withdrawn, each with the day on which that happened."""
    ended: dict[str, date] = {}
    for one in state.events:
        is_end = one.kind == "declined" or (one.kind == "status" and one.about["status"] in ENDED)
        if is_end and one.number not in state.undone and one.need_id not in supporter_of:
            ended[one.need_id] = day_of(one)
    return ended


def _last_by(state: RoundState, pair: Pair) -> str:
    last = state.event(state.touched.get(pair))
    return last.by if last else ""


def _reviews(inputs: Inputs) -> Iterator[Line]:
    if inputs.accreditation is None or inputs.supporters.empty:
        return
    due = due_for_review(inputs, judge(inputs))
    for supporter_id, rows in due.groupby("supporter_id", sort=True):
        checked = min((one for one in rows["checked_on"] if one), default="")
        since = date.fromisoformat(checked) if checked else None
        yield Line(
            "review", URGENCIES[-1], "", str(supporter_id), since=since, missing=tuple(rows["criterion"].astype(str))
        )
