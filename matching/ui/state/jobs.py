"""Plans in progress, each on a thread of its own, with progress and a way to stop; at most one for a round's next plan.

What a job makes and where the result is saved is decided by the caller of `start`.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

import streamlit as st

from matching.errors import DataError
from matching.rounds.round import Round
from matching.rounds.store import StaleRoundError
from matching.ui.state.scheduling import let_others, long_work

Result = TypeVar("Result")
Report = Callable[[str], None]
Make = Callable[[Report, threading.Event], Result]
"""Makes a plan and saves it: it reports each step, and ends early when the event is set."""

Fault = DataError | StaleRoundError

_FOLLOWED = "job"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stage:
    """A step of a job: what is being done, and how many seconds into the job it began."""

    after_s: float
    words: str


class Job(Generic[Result]):
    """One plan in progress; begun by `start` or `Jobs.begin`.

    Attributes
    ----------
    seen : Round
        The round as the job started from it.
    by : str
        The name of the person who began it.
    began : datetime
        In UTC.
    """

    def __init__(self, seen: Round, by: str) -> None:
        self.seen, self.by, self.began = seen, by, datetime.now(UTC)
        self.result: Result | None = None
        self.fault: Fault | None = None
        self.is_defect = False
        self._start = time.monotonic()
        self._stages: list[Stage] = []
        self._cancel, self._done = threading.Event(), threading.Event()

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The steps so far."""
        return tuple(self._stages)

    @property
    def elapsed_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._start

    @property
    def is_done(self) -> bool:
        """Whether it has ended: with a `result`, a `fault` or a defect of the program."""
        return self._done.is_set()

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to end with the best plan so far."""
        return self._cancel.is_set()

    def stop(self) -> None:
        """Ask it to end with the best plan so far."""
        self._cancel.set()

    def wait(self, seconds: float) -> bool:
        """Wait for its end, at most so long, and return whether it has ended."""
        let_others()
        return self._done.wait(seconds)

    def run(self, make: Make[Result]) -> None:
        """Make the plan, and keep any error for the screens that follow this job."""
        try:
            with long_work():
                self.result = make(self._report, self._cancel)
        except (DataError, StaleRoundError) as fault:
            self.fault = fault
        except Exception:  # the screens show that there was a defect; the log has the details
            self.is_defect = True
            _LOG.exception("a plan could not be made")
        finally:
            self._done.set()

    def _report(self, words: str) -> None:
        self._stages.append(Stage(self.elapsed_s, words))


def start(seen: Round, by: str, make: Make[Result]) -> Job[Result]:
    """Begin a job on a thread of its own."""
    job: Job[Result] = Job(seen, by)
    threading.Thread(target=job.run, args=(make,), name=f"plan of {seen.round_id}", daemon=True).start()
    return job


class Jobs:
    """The last job of each round that makes its next plan."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job[Round]] = {}
        self._lock = threading.Lock()

    def of(self, round_id: str) -> Job[Round] | None:
        """Return the last job of a round, whether or not it has ended."""
        return self._jobs.get(round_id)

    def begin(self, seen: Round, by: str, make: Make[Round]) -> Job[Round]:
        """Begin a job, or return the one that is already running for this round."""
        with self._lock:
            running = self._jobs.get(seen.round_id)
            if running and not running.is_done:
                return running
            job = self._jobs[seen.round_id] = start(seen, by, make)
            return job


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """Return the plans in progress, for all windows of this server."""
    return Jobs()


def follow_job(job: Job[Round]) -> None:
    """Have this tab follow a job: its result is shown here once it is done."""
    st.session_state[_FOLLOWED] = job


def running_job(round_: Round) -> Job[Round] | None:
    """Return the plan of a round that is in progress; this tab follows it from now on."""
    job = jobs().of(round_.round_id)
    if job is None or job.is_done:
        return None
    follow_job(job)
    return job


def finished_job(round_: Round) -> Job[Round] | None:
    """Return the job of this round that this tab follows, once, when it has ended."""
    job: Job[Round] | None = st.session_state.get(_FOLLOWED)
    if job is None or not job.is_done:
        return None
    del st.session_state[_FOLLOWED]
    return job if job.seen.round_id == round_.round_id else None
