"""Plans in the making, each on a thread of its own, that can be watched and stopped; of a round's own, one at a time.

What is made and where it is kept is the business of whoever begins a job; nothing here knows the screens.
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
Tell = Callable[[str], None]
Make = Callable[[Tell, threading.Event], Result]
"""Makes a plan, and keeps it where it is to be kept: it tells of each step and ends early where the event is set."""

Fault = DataError | StaleRoundError

_FOLLOWED = "job"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stage:
    """A step of a job: what is being done, and how many seconds after its beginning that began."""

    after_s: float
    words: str


class Job(Generic[Result]):
    """One plan in the making; made by `start`, or by `Jobs.begin`.

    Attributes
    ----------
    seen : Round
        The round as the job started from it.
    by : str
        Who began it.
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
        """Whether it has ended: with a `result`, a `fault`, or a defect of ours."""
        return self._done.is_set()

    @property
    def is_stopping(self) -> bool:
        """Whether somebody wants it to end with the best plan that it has."""
        return self._cancel.is_set()

    def stop(self) -> None:
        """Let it end with the best plan that it has."""
        self._cancel.set()

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended, but no longer than this; whether it has."""
        let_others()
        return self._done.wait(seconds)

    def run(self, make: Make[Result]) -> None:
        """Make the plan; what goes wrong is kept for whoever watches."""
        try:
            with long_work():
                self.result = make(self._tell, self._cancel)
        except (DataError, StaleRoundError) as fault:
            self.fault = fault
        except Exception:  # whoever watches is told that there was one, and the log of what kind
            self.is_defect = True
            _LOG.exception("a plan could not be made")
        finally:
            self._done.set()

    def _tell(self, words: str) -> None:
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
        """The job of a round that was begun last, whether or not it has ended."""
        return self._jobs.get(round_id)

    def begin(self, seen: Round, by: str, make: Make[Round]) -> Job[Round]:
        """Begin a job, or join the one that runs for this round already."""
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
