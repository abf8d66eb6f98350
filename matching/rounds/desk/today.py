"""What a coordinator has to do on a day: a pure function of the state of a round, its register and the day."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from matching.accreditation import due_for_review, judge
from matching.errors import counted
from matching.inputs.inputs import Inputs
from matching.rounds.desk.moves import consents_in_words, missing_consents
from matching.rounds.desk.support import Terms, days_in_words
from matching.rounds.history.events import ENDED, HELD, Pair
from matching.rounds.history.state import RoundState, day_of

URGENCIES = ("now", "soon", "later")
"""How urgent a line is, the most urgent first."""

STARTS_SOON_DAYS = 14
"""A deployment that must begin within this number of days is urgent."""

NO_VISIT_DAYS = 28
"""An active deployment without a visit for this number of days has visits to log."""

ENDS_SOON_DAYS = 14
"""Days that are left of those agreed are listed from this number of days before the end."""

REVIEW_SOON_DAYS = 7
"""A review is listed from this number of days before its day, and one held since then is that review."""

KINDS: Mapping[str, str] = {
    "begin": "Should have begun",
    "ask next": "No answer: ask the next person",
    "find": "Without a supporter since the last one ended",
    "remind": "No answer: remind",
    "agree": "All have consented: record the agreement",
    "consents": "Waiting for consents",
    "approach": "To be approached",
    "starts soon": "Starting soon",
    "hold review": "Review due",
    "days left": "Agreed days left near the end",
    "log visits": "Visits to log",
    "evaluate": "Evaluation due",
    "review": "Evidence due for review",
}
"""Every kind of line, in words for people; among equally urgent lines this is their order."""


ACTIONS: Mapping[str, str] = {
    "begin": "Record the start",
    "ask next": "Ask the next person",
    "find": "Find another supporter",
    "remind": "Remind them",
    "agree": "Record the agreement",
    "consents": "Ask for the consents",
    "approach": "Approach them",
    "starts soon": "Confirm the start",
    "hold review": "Hold the review and record it",
    "days left": "Arrange the last visits, or log them",
    "log visits": "Ask for the visits and log them",
    "evaluate": "Ask the school for its evaluation",
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
        The days since then, or until the deployment must begin or ends or its review is due.
    start_by : date or None
        Of the terms, or else of the need.
    missing : tuple of str
        The parties whose consent is missing, or the criteria that are due for review.
    by : str
        Who recorded the last entry about the deployment, or blank.
    days_left : str
        The days that are left of those agreed, where the line is about them.
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
    days_left: str = ""


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
    For each deployment at most one line until it has begun:

    - proposed: to be approached;
    - approached, without an answer: `remind_after_days` after the last message a reminder or, from
      `ask_next_after_days` after they were approached, the next person;
    - a consent is given: waiting for the others that the settings ask for, or all have consented;
    - agreed: starting soon, or should have begun.

    Once it is agreed, it can have a line for its next review, one for its visits or the days that are left, and one for
    the evaluation once it is completed or should have ended.

    Then a line for each open need that is without a supporter since one declined or was withdrawn, and one for each
    supporter whose evidence is due for review. What must begin within `STARTS_SOON_DAYS` is urgent.
    """
    starts = dict(inputs.all_needs[["need_id", "start_by"]].itertuples(index=False, name=None))
    asked = dict(zip(inputs.all_needs["need_id"], inputs.all_needs["days"].tolist(), strict=True))
    accepted_on, open_needs = _accepted_on(state), {*inputs.needs["need_id"]}
    later = {need_id: one.on for need_id, one in state.placements.items() if one.number > state.planned}
    found = [
        line
        for pair in supporter_of.items()
        for line in (
            *_of_deployment(state, pair, starts.get(pair[0]) or None, later.get(pair[0], accepted_on), day),
            *_of_support(state, pair, state.support.days_agreed(pair, asked.get(pair[0], 0.0)), day),
        )
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
        "ask next": f"no answer for {days}",
        "find": f"without a supporter{since}",
        "remind": f"no answer for {days}",
        "agree": f"all consents are there{since}",
        "consents": f"waiting for {consents_in_words(line.missing)}{since}" if line.missing else "",
        "approach": f"proposed{since}",
        "starts soon": f"must begin in {days}" if line.days else "must begin today",
        "hold review": f"review {'due on' if (line.days or 0) >= 0 else 'was due on'}{since[6:]}",
        "days left": f"{line.days_left} left, {'ends' if (line.days or 0) >= 0 else 'was to end'} on{since[6:]}",
        "log visits": f"no visit logged{since}",
        "evaluate": f"{'completed' if line.status == 'completed' else 'was to end'} on{since[6:]}",
        "review": f"{counted(len(line.missing), 'criterion', 'criteria')}, last checked {checked}",
    }[line.kind]


def _of_deployment(
    state: RoundState, pair: Pair, start_by: date | None, put_there: date | None, day: date
) -> Iterator[Line]:
    status, settings = state.status_of(*pair), state.desk
    start_by = _terms(state, pair).start or start_by
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
        asked = state.since[pair]
        since = max(asked, state.written.get(pair, asked))
        if (day - since).days >= settings.remind_after_days:
            if (day - asked).days >= settings.ask_next_after_days:
                yield waiting("ask next", since, "now")
            else:
                yield waiting("remind", since)
    elif status == "agreed" and is_near:
        kind = "begin" if (until_start or 0) < 0 else "starts soon"
        yield replace(line, kind=kind, since=start_by, days=until_start)


def _of_support(state: RoundState, pair: Pair, agreed: Decimal, day: date) -> Iterator[Line]:
    """Yield what is due of a deployment that is agreed: its review, its visits, and the evaluation."""
    status, terms, support = state.status_of(*pair), _terms(state, pair), state.support
    if status not in HELD:
        return

    def due(kind: str, when: date, urgency: str, days_left: str = "") -> Line:
        days = (when - day).days if kind in ("hold review", "days left") else (day - when).days
        return Line(
            kind, urgency, *pair, status, when, days, terms.start, by=_last_by(state, pair), days_left=days_left
        )

    is_completed, ended_on = status == "completed", terms.end if terms.end and terms.end < day else None
    if terms.review_on and not is_completed and (terms.review_on - day).days <= REVIEW_SOON_DAYS:
        held = [one.on for one in support.reviews.get(pair, ())]
        if not held or (terms.review_on - max(held)).days > REVIEW_SOON_DAYS:
            yield due("hold review", terms.review_on, "now" if terms.review_on <= day else "soon")
    left = agreed - support.days_used(pair)
    is_ending = terms.end is not None and (terms.end - day).days <= ENDS_SOON_DAYS
    if terms.end and is_ending and left > 0 and not is_completed:
        yield due("days left", terms.end, "now" if ended_on else "soon", days_in_words(left))
    elif status == "active" and (left > 0 or not agreed):
        last = max([state.since[pair], *(one.on for one in support.visits.get(pair, ()))])
        if (day - last).days >= NO_VISIT_DAYS:
            yield due("log visits", last, "soon")
    if (is_completed or ended_on) and pair not in support.evaluations:
        yield due("evaluate", state.since[pair] if is_completed or ended_on is None else ended_on, "soon")


def _terms(state: RoundState, pair: Pair) -> Terms:
    return state.support.terms.get(pair, Terms(0))


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
