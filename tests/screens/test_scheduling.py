"""Turns of many users at the same time: one after the other, quick work first, and no long waits."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import tiny
from test_screens import database, demo, planned  # noqa: F401

from matching.errors import DataError
from matching.tables.files import Source
from matching.ui.state import cache
from matching.ui.state.params import SCREENS_VARIABLE
from matching.ui.state.scheduling import Turns, click, let_others, long_work

# What a busy machine may add to any wait.
_SLACK_S = 20


def files(name: str, **tables: str) -> dict[str, Source]:
    """Return the tiny round's files under names that no cache holds yet."""
    given = tiny.sources(**tables)
    return {**given, "needs": Source(f"{name}.csv", given["needs"].content)}


@pytest.fixture
def no_end(tmp_path, monkeypatch):
    """Let no turn of the screens run out, however slow the machine is."""
    settings = tmp_path / "screens.toml"
    settings.write_text(f"longest_turn_s = {_SLACK_S}.0")
    monkeypatch.setenv(SCREENS_VARIABLE, str(settings))


def in_queue(line: Turns, order: list[str], name: str, *, takes_long: bool) -> threading.Thread:
    """Start a thread that waits for a turn, notes that it has it, and ends it."""

    def wait() -> None:
        turn = line.take(takes_long=takes_long)
        order.append(name)
        line.end(turn)

    thread = threading.Thread(target=wait)
    thread.start()
    # So that the threads arrive in the order of the calls.
    time.sleep(0.03)
    return thread


def test_quick_work_goes_first_and_otherwise_first_come_first_served():
    line, order = Turns(_SLACK_S), []
    held = line.take(takes_long=True)
    names = ("long 1", "a", "long 2", "b", "c")
    waiting = [in_queue(line, order, name, takes_long=name.startswith("long")) for name in names]
    assert order == []
    line.end(held)
    for one in waiting:
        one.join(_SLACK_S)
    assert order == ["a", "b", "c", "long 1", "long 2"]


def test_a_turn_runs_out_so_that_no_screen_waits_behind_a_hard_plan():
    line, order = Turns(longest_s=0.2), []
    began = time.monotonic()
    line.take(takes_long=True)
    in_queue(line, order, "quick", takes_long=False).join(_SLACK_S)
    assert order == ["quick"]
    assert time.monotonic() - began >= 0.2


def test_ending_a_turn_that_has_run_out_leaves_the_next_one():
    line, order = Turns(longest_s=1.0), []
    over = line.take(takes_long=True)
    held = line.take(takes_long=False)
    line.end(over)
    waiting = in_queue(line, order, "next", takes_long=False)
    assert order == []
    line.end(held)
    waiting.join(_SLACK_S)
    assert order == ["next"]


@pytest.mark.long
@pytest.mark.parametrize("place", [click, long_work])
def test_a_turn_ends_after_an_error(place):
    with pytest.raises(ZeroDivisionError), place():
        raise ZeroDivisionError
    assert not let_others()


def test_a_screen_keeps_its_turn_and_gives_it_up_while_it_waits():
    with click():
        with long_work():
            pass
        assert let_others()
        with long_work():
            pass
        assert not let_others()


def test_tables_are_read_one_after_the_other(monkeypatch, no_end):
    reading, most, lock, read = [], [], threading.Lock(), cache.read_inputs

    def watched(*given, **options):
        with lock:
            reading.append(1)
            most.append(len(reading))
        time.sleep(0.02)
        try:
            return read(*given, **options)
        finally:
            with lock:
                reading.pop()

    monkeypatch.setattr(cache, "read_inputs", watched)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda number: cache.inputs_of(files(f"turn {number}")), range(6)))
    assert len(found) == 6
    assert most == [1] * 6


def test_tables_with_problems_end_the_turn_too():
    with pytest.raises(DataError):
        cache.inputs_of(files("not sound", schools="urn\n1\n"))
    assert not let_others()


def test_a_click_is_answered_during_long_work_in_another_thread(planned):  # noqa: F811
    ended = threading.Event()

    def work() -> None:
        with long_work():
            assert ended.wait(_SLACK_S)

    worker = threading.Thread(target=work)
    worker.start()
    planned.choose("Show", "Met")
    planned.choose("Need", "N012")
    assert "N012" in planned.words()
    assert worker.is_alive()
    ended.set()
    worker.join(_SLACK_S)
