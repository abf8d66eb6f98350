"""The open round: found by the address or by this tab's memory, with what is changed in it and who changes it.

Everything that is to outlive the server is in the database; rules that no plan was made from yet outlive a refresh.
"""

import getpass
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import streamlit as st

from matching.allocation import allocate
from matching.errors import DataError, Problem
from matching.inputs.bundled import demo_sources
from matching.inputs.locations import options_of
from matching.plan.as_bytes import plan_files
from matching.plan.on_disk import SavedPlan
from matching.plan.write import Plan
from matching.rounds.database import DATABASE_VARIABLE
from matching.rounds.decided_inputs import decided_sources, serving
from matching.rounds.events import Event
from matching.rounds.round import Round
from matching.rounds.state import desk_of, live_supporters
from matching.rounds.store import RoundStore, StaleRoundError, open_store
from matching.tables.files import Source
from matching.tables.policy import Policy, policy_toml, read_policy
from matching.ui.formatting.words import day, event_sentence
from matching.ui.state import cache
from matching.ui.state.jobs import Job, Jobs

DEMO_NAME = "Demo area"

_OPEN, _ATTEMPT, _POLICY, _MISSING = "open_round", "attempt", "drafted_policy", "missing_round"
_MENDED = "mended_files"
_WHO, _SETBACK, _JOB = "who", "setback", "job"
PATIENCE_S = 1.5
"""How long a screen waits for a plan before it shows how the plan gets on, in seconds."""
_ONLY_SAID = ("note", "named", "scenario")
_DEFECT = (
    "This is a fault in the program, not in your tables. Nothing was saved, and the round is as it was.",
    "What went wrong is in the window in which the program was started. Please report it.",
)
_CUT_SHORT = {
    "cancelled": "The search was stopped on request. This is the best plan that it had found by then.",
    "time limit": "Time ran out before the search was done. This is the best plan that it had found by then.",
}
_ROUNDS_REMEMBERED = 5


@dataclass(frozen=True)
class Attempt:
    """Files that were given and cannot be used yet, with what is wrong in them.

    Attributes
    ----------
    notices : tuple of str
        What is worth knowing of them besides.
    number : int
        How many times files were checked in this tab.
    mended : frozenset of str
        Names of the files that were changed here, so that what is on somebody's disk is no longer what is read.
    anew : bool
        Whether a round begins with them even where one is open that they could go into.
    """

    name: str
    sources: Mapping[str, Source]
    problems: tuple[Problem, ...]
    notices: tuple[str, ...]
    number: int
    mended: frozenset[str] = frozenset()
    anew: bool = False


@dataclass(frozen=True)
class Setback:
    """A change that was not made, and why.

    Attributes
    ----------
    title : str
    lines : tuple of str
    stale : bool
        Whether the round was changed elsewhere, so that it has to be opened again first.
    number : int
        Counts those that were remembered in this tab, so that each takes the focus once.
    """

    title: str
    lines: tuple[str, ...]
    stale: bool = False
    number: int = 0


# ---- rounds --------------------------------------------------------------------------------------------------------


def store() -> RoundStore:
    """The database of rounds."""
    return _store(os.environ.get(DATABASE_VARIABLE))


@st.cache_resource(show_spinner=False)
def _store(url: str | None) -> RoundStore:
    return open_store(url)


def current() -> Round | None:
    """The open round: the one that the address names, or else the one that this tab had open; None without one."""
    wanted = st.query_params.get("round")
    found = held()
    if wanted and (found is None or found.round_id != wanted):
        found = store().get(wanted)
        st.session_state[_MISSING] = found is None
        _hold(found)
    if found and wanted != found.round_id:
        st.query_params["round"] = found.round_id
    if found:
        _take_result(found)
    return held()


def held() -> Round | None:
    """The round that this tab has open, whatever the address says."""
    found: Round | None = st.session_state.get(_OPEN)
    return found


def is_missing() -> bool:
    """Whether the address names a round that the database does not hold."""
    return bool(st.session_state.get(_MISSING))


def open_round(round_id: str) -> None:
    """Open a round as it is in the database now; where that cannot be read, the next screen says so."""
    try:
        found = store().get(round_id)
    except DataError as error:
        set_back(error)
        return
    _hold(found)
    _follow()


def close_round() -> None:
    """Have no round open; it stays in the database."""
    _hold(None)
    st.query_params.clear()


def open_demo() -> None:
    """Begin a round with the fictional area."""
    _hold(store().create(DEMO_NAME, cache.ordered(demo_sources()), by=who()))
    _follow()


def open_demo_again() -> None:
    """Open the newest round of the fictional area, or begin one; leave an open round alone."""
    if st.query_params.get("round") or held():
        return
    earlier = next((one for one in store().list() if one.name == DEMO_NAME), None)
    if earlier:
        open_round(earlier.round_id)
    else:
        open_demo()


def open_again() -> None:
    """Open the held round as it is now; rules drafted here stay where neither tables nor plan were changed."""
    seen = held()
    if seen is None:
        return
    drafted = st.session_state.get(_POLICY)
    open_round(seen.round_id)
    found = held()
    if found and drafted and (found.sources, found.current) == (seen.sources, seen.current):
        draft_policy(found, drafted)


def _follow() -> None:
    """Let the address name the round that this tab holds."""
    if found := held():
        st.query_params["round"] = found.round_id


def _hold(round_: Round | None) -> None:
    st.session_state[_OPEN] = round_
    for key in (_POLICY, _ATTEMPT, _MENDED, _SETBACK):
        st.session_state.pop(key, None)
    revision, drafted = _drafts().get(round_.round_id, (0, Policy())) if round_ else (0, Policy())
    # Rules that were drafted before the round changed may no longer be what anybody means.
    if round_ and revision == round_.revision:
        st.session_state[_POLICY] = drafted


def suggested_name() -> str:
    """A name for a new round."""
    return f"Round of {day(date.today())}"


# ---- who, and changes for the record -------------------------------------------------------------------------------


def who() -> str:
    """The name that goes into the record with every change: as it was given here, or else the machine's user name."""
    given: str = st.session_state.get(_WHO) or _names().get(_machine_user(), "")
    return given or _machine_user()


def be_called(name: str) -> None:
    """Take a name for the record; a blank one is not taken."""
    if shown := " ".join(name.split()):
        st.session_state[_WHO] = _names()[_machine_user()] = shown


@st.cache_resource(show_spinner=False)
def _names() -> dict[str, str]:
    """The name that was given last, by the machine's user: a refresh begins this tab's memory anew."""
    return {}


def _machine_user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "Name not given"


def record(round_: Round, events: Sequence[Event]) -> Round | None:
    """Record decisions: all of them or, where one is refused, none; the round is then held as it is after them.

    Where it cannot be done the screen is shown anew with the reason at its top (and a way to the round as it is now),
    and nothing is written; what was typed stays.
    """
    return change(lambda: store().record(round_, events))


def change(make: Callable[[], Round]) -> Round | None:
    """Change the open round, as `record` does; `make` is the change, by the store."""
    try:
        changed = make()
    except (DataError, StaleRoundError) as error:
        set_back(error)
        st.rerun()
        return None
    drafted = st.session_state.get(_POLICY)
    _hold(changed)
    if drafted:
        draft_policy(changed, drafted)
    _follow()
    return changed


def set_back(error: DataError | StaleRoundError) -> None:
    """Remember why a change was not made, for the next screen to show."""
    _remember(setback_of(error))


def set_back_by_defect() -> None:
    """Remember that a plan could not be made through a fault of the program."""
    _remember(Setback("The plan could not be made", _DEFECT))


def _remember(setback: Setback) -> None:
    number = st.session_state["setbacks"] = st.session_state.get("setbacks", 0) + 1
    st.session_state[_SETBACK] = replace(setback, number=number)


def setback_of(error: DataError | StaleRoundError) -> Setback:
    """Why something cannot be done, in words."""
    if isinstance(error, DataError):
        return Setback("This cannot be done", tuple(f"{one.message} {one.fix}" for one in error.problems))
    return Setback("The round was changed in another window", (str(error), *_meanwhile(error.meanwhile)), stale=True)


def _meanwhile(events: Iterable[Event]) -> list[str]:
    return [f"Meanwhile: {event_sentence(one)}" for one in events]


def take_setback() -> Setback | None:
    """The change that was not made: shown once or, where the round is not what it was, until it is opened again."""
    found: Setback | None = st.session_state.pop(_SETBACK, None)
    if found and found.stale:
        st.session_state[_SETBACK] = found
    return found


# ---- files ---------------------------------------------------------------------------------------------------------


def attempt() -> Attempt | None:
    """The files that were given last, where they cannot be used yet."""
    found: Attempt | None = st.session_state.get(_ATTEMPT)
    return found


def forget_attempt() -> None:
    """Leave the files that cannot be used."""
    st.session_state.pop(_ATTEMPT, None)


def try_files(
    name: str, sources: Mapping[str, Source], *, mended: frozenset[str] = frozenset(), anew: bool = False
) -> bool:
    """Check files; where they are sound a round begins with them, or the open one without a plan takes them.

    Returns False where they are not sound: then nothing is written, and `attempt` tells why. `mended` and `anew` are
    those of `Attempt`.
    """
    ordered = cache.ordered(sources)
    wrong = _wrong_in(ordered)
    if wrong.problems:
        earlier = attempt()
        number = earlier.number + 1 if earlier else 1
        st.session_state[_ATTEMPT] = Attempt(name, ordered, wrong.problems, wrong.notices, number, mended, anew)
        return False
    before = held()
    # A round with a plan stays as it is: its plan came from its own files.
    if before and before.files is None and not anew:
        _hold(store().save_sources(before, ordered, by=who()))
    else:
        _hold(store().create(name, ordered, by=who()))
    st.session_state[_MENDED] = mended
    _follow()
    return True


def mended() -> frozenset[str]:
    """The files of the open round that were changed here before it took them."""
    found: frozenset[str] = st.session_state.get(_MENDED, frozenset())
    return found


def _wrong_in(sources: Mapping[str, Source]) -> DataError:
    """Everything that is wrong in files. What is sound is kept, so that the screens need not read it again."""
    problems: list[Problem] = []
    notices: tuple[str, ...] = ()
    try:
        cache.inputs_of(sources)
    except DataError as error:
        problems += error.problems
        notices = error.notices
    try:
        if "policy" in sources:
            read_policy(sources["policy"])
    except DataError as error:
        problems += error.problems
    return DataError(problems, notices)


def remembered_columns() -> dict[str, dict[str, str]]:
    """What was said in the newest rounds of which header is which column, by table."""
    said: dict[str, dict[str, str]] = {}
    # The oldest first, so that a newer answer goes before it.
    for one in reversed(store().list()[:_ROUNDS_REMEMBERED]):
        found = store().get(one.round_id)
        for table, pairs in options_of(found.sources).mappings.items() if found else ():
            said.setdefault(table, {}).update(pairs)
    return said


# ---- rules and plan ------------------------------------------------------------------------------------------------


def policy_of(round_: Round) -> Policy:
    """The rules in a round's files."""
    source = round_.sources.get("policy")
    return read_policy(source) if source else Policy()


def drafted_policy(round_: Round) -> Policy:
    """The rules as they stand on the Rules screen."""
    drafted: Policy | None = st.session_state.get(_POLICY)
    return drafted or policy_of(round_)


def draft_policy(round_: Round, policy: Policy) -> None:
    """Remember changed rules until a plan is made from them."""
    st.session_state[_POLICY] = policy
    _drafts()[round_.round_id] = (round_.revision, policy)


@st.cache_resource(show_spinner=False)
def _drafts() -> dict[str, tuple[int, Policy]]:
    """Rules as they were left on the Rules screen, by round: a refresh begins this tab's memory anew."""
    return {}


def drafted_sources(round_: Round, *, stay_close: bool) -> dict[str, Source]:
    """The files that the next plan comes from.

    The policy file is written anew only where the rules were changed. To stay close, the round's plan (or, before
    there is one, the plan that its files brought) is the one to stay close to.
    """
    sources = dict(round_.sources)
    drafted = drafted_policy(round_)
    if drafted != policy_of(round_):
        sources["policy"] = Source("policy.toml", policy_toml(drafted))
    if not stay_close:
        sources.pop("baseline", None)
    elif round_.files:
        sources["baseline"] = Source("plan.csv", round_.files["plan.csv"])
    return cache.ordered(sources)


def make_plan(round_: Round, sources: Mapping[str, Source], *, why: str = "") -> None:
    """Begin to make the best plan from these files and what was decided, and keep it in the round once it is made.

    A small one is there when this returns; of a larger one every screen of the round tells how it gets on. Where one is
    being made already, for whatever window, it is that one. The round keeps its own tables, under the rules of the run.
    """
    try:
        _refuse_to_plan(round_)
        given = with_decided(round_, sources)
        ready = cache.market(given)
    except (DataError, StaleRoundError) as error:
        set_back(error)
        st.rerun()
        return
    database, by = store(), who()

    def make(tell: Callable[[str], None], cancel: threading.Event) -> Round:
        plan = allocate(ready.inputs, market=ready, progress=tell, cancel=cancel)
        tell("Saving the plan")
        files = plan_files(plan, ready.inputs)
        return _kept(database, round_, files, _own_sources(round_, sources), by, why)

    job = st.session_state[_JOB] = jobs().begin(round_, by, make)
    with st.spinner("Making the plan…"):
        job.wait(PATIENCE_S)
    _take_result(round_)


def _own_sources(round_: Round, sources: Mapping[str, Source]) -> dict[str, Source]:
    """The round's own files after a run: what was decided since stays a decision, which can be undone."""
    rules = {"policy": sources["policy"]} if "policy" in sources else {}
    return cache.ordered({**round_.sources, **rules})


def _kept(
    database: RoundStore, seen: Round, files: Mapping[str, bytes], sources: Mapping[str, Source], by: str, why: str
) -> Round:
    """The round with a plan that took its time: what was only said of the round meanwhile does not stand in its way."""
    try:
        return database.save_plan(seen, files, sources=sources, by=by, why=why)
    except StaleRoundError as error:
        now = database.get(seen.round_id)
        if now is None or any(one.kind not in _ONLY_SAID for one in error.meanwhile):
            raise
        return database.save_plan(now, files, sources=sources, by=by, why=why)


def _refuse_to_plan(round_: Round) -> None:
    """Say before the work, and not after it, that its plan could not be kept."""
    now = store().get(round_.round_id)
    if now is None or now.revision != round_.revision:
        raise StaleRoundError(now.events[round_.last_event :] if now else ())
    if round_.approved is not None:
        message, fix = "The plan is approved, so no other can be made.", "Reopen it first, on the Hand over screen."
        raise DataError([Problem("round", None, "", "", message, fix)])


def with_decided(round_: Round, sources: Mapping[str, Source]) -> dict[str, Source]:
    """The files that a plan is made from: those given, with what was decided in the round.

    Raises
    ------
    DataError
        What was decided contradicts the decisions file, or a file is not sound.
    """
    desk = desk_of(round_.events)
    if not (desk.placements or desk.freed or desk.barred or desk.statuses):
        return dict(sources)
    before = serving(cache.saved_plan(round_.files).plan) if round_.files else {}
    placed = {need_id: one.supporter_id for need_id, one in desk.placements.items()}
    now = {**live_supporters(before, desk), **placed}
    inputs = cache.inputs_of({name: one for name, one in sources.items() if name != "baseline"})
    return cache.ordered(decided_sources(sources, inputs, round_.sources.get("decisions"), desk, now))


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """The plans that are being made, for all windows of this server."""
    return Jobs()


def running_job(round_: Round) -> Job[Round] | None:
    """The plan of a round that is being made just now; this tab follows it from here on."""
    job = jobs().of(round_.round_id)
    if job is None or job.is_done:
        return None
    st.session_state[_JOB] = job
    return job


def _take_result(round_: Round) -> None:
    """Hold what the job that this tab follows has made of the round, once it is done, or say why it made nothing."""
    job: Job[Round] | None = st.session_state.get(_JOB)
    if job is None or not job.is_done:
        return
    del st.session_state[_JOB]
    if job.seen.round_id != round_.round_id:
        return
    if job.result and job.result.revision > round_.revision:
        _hold(job.result)
    elif job.fault:
        set_back(job.fault)
        st.rerun()
    elif job.is_defect:
        set_back_by_defect()
        st.rerun()


def cut_short_words(plan: Plan) -> str:
    """What ended the search for a plan before it was done, in a sentence; blank where nothing did."""
    cause = plan.manifest["proof"].get("cut_short_by", "")
    return _CUT_SHORT.get(cause, "")


def is_outdated(round_: Round, saved: SavedPlan) -> bool:
    """Whether the rules were changed after the plan was made from them."""
    return bool(drafted_policy(round_).model_dump(mode="json") != saved.plan.manifest["policy"])
