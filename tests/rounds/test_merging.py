from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stores import FILES, SOURCES, held, opened, pin

from matching.errors import DataError
from matching.rounds.history.events import DECISIONS, ENTRIES, KINDS, STATUSES, Event, RowChange, new_event
from matching.rounds.history.merging import can_merge
from matching.rounds.history.refusals import why_refused
from matching.rounds.history.state import Placement, live_supporters, state_of
from matching.rounds.store import RoundStore, StaleRoundError


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "rounds.db"


@pytest.fixture
def store(path) -> Iterator[RoundStore]:
    with opened(path) as store:
        yield store


NEEDS, PEOPLE = ("N1", "N2", "N3", "N4"), ("S1", "S2", "S3", "S4")
DEPLOYMENTS = {"N1": "S1", "N2": "S2", "N3": "S3"}


# Which entries merge


def decision(kind: str, need_id: str, supporter_id: str, **about: str) -> Event:
    about |= {"status": "agreed"} if kind == "status" else {"text": "Ring them"} if kind == "note" else {}
    return new_event(kind, by="Jo", need_id=need_id, supporter_id=supporter_id, **about)


def undo(number: int) -> Event:
    return replace(new_event("undo", by="Al"), undoes=number)


def numbered(*events: Event) -> tuple[Event, ...]:
    return tuple(replace(one, number=number) for number, one in enumerate(events, start=1))


def change(kind: str, table: str, *key: str) -> Event:
    return replace(new_event(kind, by="Jo"), changes=(RowChange(table, key, {"notes": ""}, {"notes": "Ring them"}),))


BEGUN = new_event("created", by="Jo")
PIN = decision("pin", "N1", "S1")
PLAN = new_event("plan", by="Jo", plan="1", after="1")
REPLACED = new_event("replaced", by="Jo", tables="needs")


@pytest.mark.parametrize(
    ("earlier", "meanwhile", "entry", "merges"),
    [
        ([], [], PIN, True),
        ([], [decision("pin", "N2", "S2")], PIN, True),
        ([], [decision("pin", "N2", "S2"), decision("status", "N3", "S3")], PIN, True),
        ([], [decision("pin", "N1", "S2")], PIN, False),
        ([], [decision("pin", "N2", "S1")], PIN, False),
        ([], [decision("swap", "N2", "S2", replaces="S1")], PIN, False),
        ([], [decision("pin", "N2", "S2"), decision("note", "N1", "")], PIN, False),
        ([], [decision("note", "", "S1")], PIN, False),
        ([], [decision("note", "", "S2")], PIN, True),
        ([], [decision("note", "N2", "")], decision("note", "N3", ""), True),
        ([], [new_event("named", by="Jo", name="Spring")], PIN, True),
        ([], [new_event("scenario", by="Jo", plan="2", name="Nearer")], PIN, True),
        *(
            ([], [new_event(kind, by="Jo")], PIN, False)
            for kind in sorted({*KINDS} - {*ENTRIES, "undo", "named", "scenario"})
        ),
        # A change of a row is about its need or its supporter.
        ([], [change("need_changed", "needs", "N1")], PIN, False),
        ([], [change("need_paused", "needs", "N2")], PIN, True),
        ([], [change("supporter_left", "supporters", "S1")], PIN, False),
        ([], [change("evidence_changed", "accreditation", "S1", "SLE-1")], PIN, False),
        ([], [change("evidence_changed", "accreditation", "S2", "SLE-1")], PIN, True),
        ([], [PIN], change("need_changed", "needs", "N1"), False),
        ([], [change("need_added", "needs", "N1")], change("need_added", "needs", "N1"), False),
        ([], [change("need_added", "needs", "N1")], change("need_added", "needs", "N2"), True),
        ([change("need_changed", "needs", "N1")], [undo(2)], PIN, False),
        ([change("need_changed", "needs", "N2")], [undo(2)], PIN, True),
        # What is about the whole round is so when it is undone too, whichever of the two came first.
        ([PLAN], [undo(2)], PIN, False),
        ([PLAN], [PIN], undo(2), False),
        ([PLAN], [new_event("named", by="Jo", name="Spring")], undo(2), True),
        ([REPLACED], [PIN], undo(2), False),
        ([REPLACED, undo(2)], [change("need_changed", "needs", "N2")], undo(3), False),
        # Undone, a decision is about its need and everyone who was ever named there.
        ([decision("pin", "N2", "S2")], [undo(2)], PIN, True),
        ([decision("pin", "N2", "S1")], [undo(2)], PIN, False),
        ([decision("pin", "N2", "S1"), decision("pin", "N2", "S2")], [undo(3)], PIN, False),
        ([decision("pin", "N2", "S2"), undo(2)], [undo(3)], decision("pin", "N2", "S3"), False),
        ([decision("pin", "N2", "S2")], [decision("pin", "N3", "S3")], undo(2), True),
        ([decision("pin", "N2", "S2")], [decision("pin", "N3", "S2")], undo(2), False),
        # What was recorded meanwhile cannot be undone unseen.
        ([], [decision("pin", "N2", "S2")], undo(2), False),
    ],
)
def test_entries_merge_if_they_are_about_other_needs_and_other_people(earlier, meanwhile, entry, merges):
    seen = (BEGUN, *earlier)
    events = numbered(*seen, *meanwhile)
    assert can_merge(events[: len(seen)], events[len(seen) :], [entry]) == merges


@st.composite
def entries(draw, history: Sequence[Event]) -> tuple[Event, ...]:
    """One to three decisions or undos that can be recorded after this history; perhaps fewer, and perhaps none."""
    recorded = list(history)
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from((*DECISIONS, "undo")))
        need_id, supporter_id = draw(st.sampled_from(NEEDS)), draw(st.sampled_from(PEOPLE))
        if kind == "undo":
            one = undo(draw(st.integers(1, len(history))))
        elif kind == "status":
            about = {"need_id": need_id, "supporter_id": supporter_id, "status": draw(st.sampled_from(STATUSES))}
            one = new_event(kind, by="Jo", **about)
        else:
            one = decision(kind, need_id, supporter_id)
        if why_refused(state_of(recorded), one) is None:
            recorded = list(numbered(*recorded, one))
    return tuple(recorded[len(history) :])


def known_of(history: Sequence[Event], own: Sequence[Event], other: Sequence[Event], *, own_first: bool) -> object:
    """Everything that is known of a round after both entries, with the same names for the events in either order."""
    first, second = (own, other) if own_first else (other, own)
    events = numbered(*history, *first, *second)
    names = [
        *range(1, len(history) + 1),
        *((entry is own, at) for entry in (first, second) for at in range(len(entry))),
    ]
    name = dict(zip(range(1, len(events) + 1), names, strict=True))
    state = state_of(events)

    def placed(one: Placement) -> Placement:
        return replace(one, number=name[one.number], since=name[one.since])

    return (
        {need_id: placed(one) for need_id, one in state.pins.items()},
        {need_id: placed(one) for need_id, one in state.swaps.items()},
        {need_id: placed(one) for need_id, one in state.freed.items()},
        {pair: replace(one, number=name[one.number]) for pair, one in state.barred.items()},
        {name[one.number] for one in state.notes},
        {name[one] for one in state.undone},
        {pair: name[one] for pair, one in state.touched.items()},
        dict(state.statuses),
        state.planned,
        live_supporters(DEPLOYMENTS, state),
    )


@given(st.data())
def test_entries_that_merge_give_the_same_state_in_either_order(data):
    history = numbered(BEGUN)
    for _ in range(data.draw(st.integers(0, 3))):
        history = (*history, *data.draw(entries(history)))
    if data.draw(st.booleans()):
        history = numbered(*history, new_event("plan", by="Jo", plan="1", after=str(len(history))))
    own, other = data.draw(entries(history)), data.draw(entries(history))
    merges = can_merge(history, other, own)
    assert merges == can_merge(history, own, other)
    if merges:
        assert known_of(history, own, other, own_first=True) == known_of(history, own, other, own_first=False)
        # What each could record alone can be recorded after the other too.
        for first, second in ((own, other), (other, own)):
            recorded = numbered(*history, *first)
            for one in second:
                assert why_refused(state_of(recorded), one) is None
                recorded = numbered(*recorded, one)


# Two people at once


def test_entries_about_different_needs_and_people_are_both_recorded(store, path):
    begun = store.save_plan(store.create("Autumn", SOURCES), FILES)
    with opened(path) as other_window:
        theirs = other_window.rename(other_window.record(begun, [pin("N2", "S2", by="Al")]), "Autumn 2026")
        ours = store.record(begun, [pin("N1", "S1"), new_event("note", by="Jo", need_id="N3", text="Ring them")])
        assert held(other_window, begun.round_id) == ours
        assert ours.events[: theirs.last_event] == theirs.events
        assert (ours.name, ours.revision) == ("Autumn 2026", theirs.revision + 1)
        assert [(one.number, one.by, one.kind) for one in ours.events[2:]] == [
            (3, "Al", "pin"),
            (4, "", "named"),
            (5, "Jo", "pin"),
            (6, "Jo", "note"),
        ]
        undone = other_window.undo(theirs, 3, by="Al")
        assert state_of(undone.events).placements.keys() == {"N1"}
        with pytest.raises(StaleRoundError) as caught:
            store.record(ours, [pin("N2", "S3")])
        assert caught.value.meanwhile == undone.events[6:]
        assert held(store, begun.round_id) == undone


def test_several_decisions_are_undone_together_or_not_at_all(store):
    recorded = store.record(store.create("Autumn", SOURCES), [pin("N1", "S1"), pin("N2", "S2")])
    undone = store.undo(recorded, 2, 3, by="Jo", why="Wrong")
    assert [(one.kind, one.undoes, one.why) for one in undone.events[3:]] == [
        ("undo", 3, "Wrong"),
        ("undo", 2, "Wrong"),
    ]
    assert state_of(undone.events).placements == {}
    assert undone.revision == recorded.revision + 1
    with pytest.raises(DataError, match="Event 3 is undone already"):
        store.undo(store.record(undone, [pin("N3", "S3")]), 6, 3)
    assert held(store, recorded.round_id).last_event == 6


def test_an_undo_of_a_decision_is_refused_in_an_approved_round_however_it_is_recorded(store):
    planned = store.save_plan(store.record(store.create("Autumn", SOURCES), [pin()]), FILES)
    approved = store.approve(planned, FILES)
    with pytest.raises(DataError, match="The round is approved"):
        store.record(approved, [undo(2)])
    assert held(store, approved.round_id) == approved


def test_two_who_write_about_different_needs_and_people_never_wait_for_each_other(store, path):
    begun = store.create("Autumn", {})

    def write(window: RoundStore, who: str) -> None:
        """Record ten entries, each on top of what this window saw last."""
        seen = begun
        for number in range(10):
            seen = window.record(seen, [pin(f"N{who}{number}", f"S{who}", by=who)])

    with opened(path) as other_window, ThreadPoolExecutor(2) as threads:
        list(threads.map(write, [store, other_window], ["Jo", "Al"]))
    found = held(store, begun.round_id)
    assert [one.number for one in found.events] == list(range(1, 22))
    for who in ("Jo", "Al"):
        assert [one.need_id for one in found.events if one.by == who] == [f"N{who}{number}" for number in range(10)]


def test_a_round_from_a_backup_is_another_one_even_with_as_many_changes(store, path):
    begun = store.create("Autumn", SOURCES)
    backup = path.read_bytes()
    seen = store.record(begun, [pin("N1", "S1")])
    path.write_bytes(backup)
    latest = store.record(held(store, begun.round_id), [pin("N2", "S2")])
    assert (latest.revision, latest.last_event) == (seen.revision, seen.last_event)
    for attempt in (lambda: store.record(seen, [pin("N3", "S3")]), lambda: store.rename(seen, "Spring")):
        with pytest.raises(StaleRoundError):
            attempt()
    assert held(store, begun.round_id) == latest


def test_a_stale_edit_is_told_what_happened_meanwhile(store, path):
    begun = store.create("Autumn", SOURCES)
    with opened(path) as other_window:
        latest = other_window.save_plan(other_window.record(begun, [pin("N2", why="Agreed")]), FILES)
    for attempt in (
        lambda: store.record(begun, [pin()]),
        lambda: store.undo(begun, 1),
        lambda: store.save_scenario(begun, "x", FILES),
        lambda: store.approve(begun, FILES),
        lambda: store.reopen(begun),
        lambda: store.rename(begun, "x"),
        lambda: store.archive(begun),
        lambda: store.unarchive(begun),
        lambda: store.choose_scenario(begun, 1),
    ):
        with pytest.raises(StaleRoundError) as caught:
            attempt()
        assert caught.value.meanwhile == latest.events[1:]
    assert held(store, begun.round_id) == latest


def test_of_two_who_write_about_the_same_nothing_is_lost(store, path):
    begun = store.create("Autumn", {})

    def write(window: RoundStore, by: str) -> list[int]:
        """Record ten notes, each on top of what is there, as often as it takes."""
        seen, confirmed = held(window, begun.round_id), []
        while len(confirmed) < 10:
            try:
                seen = window.record(seen, [new_event("note", by=by, need_id="N1", text=f"{len(confirmed)}")])
                confirmed.append(seen.last_event)
            except StaleRoundError as error:
                assert error.meanwhile
                seen = held(window, begun.round_id)
        return confirmed

    with opened(path) as other_window, ThreadPoolExecutor(2) as threads:
        one, other = threads.map(write, [store, other_window], ["Jo", "Al"])
    found = held(store, begun.round_id).events
    assert dict.fromkeys(one, "Jo") | dict.fromkeys(other, "Al") == {event.number: event.by for event in found[1:]}
    assert [event.about["text"] for event in found if event.by == "Jo"] == [str(number) for number in range(10)]
