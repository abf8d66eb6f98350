import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from depth import cases
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tiny import decisions, read, xlsx

from matching.errors import DataError
from matching.inputs.headers import TableOptions
from matching.rounds.desk.settings import DeskSettings
from matching.rounds.history.events import DECISIONS, DECLINE_REASONS, HELD, KINDS, STATUSES, Event, new_event
from matching.rounds.history.refusals import check_event, why_refused
from matching.rounds.history.state import RoundState, live_supporters, state_of
from matching.rounds.history.table import HISTORY_COLUMNS, history_csv, history_table, what_happened
from matching.rounds.planning.decisions_table import decisions_source, decisions_table
from matching.tables.files import Source

AT = datetime(2026, 9, 14, 22, 30, tzinfo=UTC)
SCHOOL_OF = {"N1": "100000", "N2": "100001", "N3": "100002"}
PEOPLE = ("S1", "S2", "S3")
# Everybody has places for everything, so that only what decisions say of each other can go wrong.
SUPPORTERS = """\
supporter_id,name,designation,school_urn,phases,specialisms,max_deployments
S1,Ann Ash,SLE,100001,Primary;Secondary,maths;phonics,9
S2,Bob Bay,LLE,100000,Primary,,9
S3,Cy Cole,NLE,100001,Secondary,,9
"""


def event(kind: str, need_id: str = "", supporter_id: str = "", **about: str) -> Event:
    pair = {name: value for name, value in (("need_id", need_id), ("supporter_id", supporter_id)) if value}
    return Event(0, AT, about.pop("by", "Jo"), kind, about.pop("why", ""), {**pair, **about})


def undo(number: int) -> Event:
    return Event(0, AT, "Jo", "undo", "", {}, number)


def numbered(*events: Event) -> list[Event]:
    return [replace(one, number=number) for number, one in enumerate(events, start=1)]


def state(*events: Event) -> RoundState:
    return state_of(numbered(*events))


def placed(found: RoundState) -> dict[str, str]:
    return {need_id: one.supporter_id for need_id, one in found.placements.items()}


def rows(source: Source) -> list[tuple[str, str, str]]:
    """Kind, need and supporter of each row of a decisions table."""
    text = source.content.decode("utf-8-sig")
    return [(one["kind"], one["need_id"], one["supporter_id"]) for one in csv.DictReader(io.StringIO(text))]


def rerun(found: RoundState, base: Source | None = None, **options) -> Source:
    return decisions_source(decisions_table(base, found, hold=True, needs=SCHOOL_OF, **options))


def table(*lines: str) -> Source:
    return Source("decisions.csv", decisions(*lines).encode())


# What holds


def test_nothing_holds_before_anything_happened():
    assert state() == RoundState()
    assert state().status_of("N1", "S1") == "proposed"
    assert live_supporters({"N1": "S1"}, state()) == {"N1": "S1"}


def test_a_pin_holds_with_its_reason_and_who_made_it_when():
    (pin,) = state(event("pin", "N1", "S1", why="Knows the staff")).pins.values()
    assert (pin.pair, pin.reason, pin.by, pin.on) == (("N1", "S1"), "Knows the staff", "Jo", date(2026, 9, 14))


def test_a_later_placement_takes_the_place_of_an_earlier_one():
    found = state(event("pin", "N1", "S1"), event("swap", "N1", "S2", replaces="S1", broken="distance;phase"))
    assert (found.pins, list(found.swaps)) == ({}, ["N1"])
    assert (found.swaps["N1"].replaces, found.swaps["N1"].broken) == ("S1", ("distance", "phase"))


def test_to_pin_whom_one_put_there_keeps_which_rules_that_broke():
    found = state(event("swap", "N1", "S2", broken="distance"), event("pin", "N1", "S2"))
    assert found.pins["N1"].broken == ("distance",)
    found = state(event("swap", "N1", "S2", broken="distance"), event("pin", "N1", "S2", broken="dates"))
    assert found.pins["N1"].broken == ("distance", "dates")


def test_a_decline_bars_the_pair_and_frees_the_need():
    found = state(event("pin", "N1", "S1"), event("declined", "N1", "S1", why=DECLINE_REASONS["too_far"]))
    assert (found.pins, list(found.freed)) == ({}, ["N1"])
    assert found.barred["N1", "S1"].reason == "Too far to travel"
    assert found.status_of("N1", "S1") == "declined"


def test_a_bar_does_not_bring_the_placement_before_back():
    found = state(event("pin", "N1", "S1"), event("pin", "N1", "S2"), event("forbid", "N1", "S2"))
    assert found.placements == {}
    assert live_supporters({}, found) == {}


def test_an_undo_brings_the_placement_before_back_and_a_redo_takes_it_away():
    events = [event("pin", "N1", "S1"), event("pin", "N1", "S2"), undo(2)]
    assert placed(state(*events)) == {"N1": "S1"}
    assert placed(state(*events, undo(3))) == {"N1": "S2"}


def test_what_is_put_back_is_put_back_in_its_old_place():
    found = state(event("pin", "N1", "S1"), undo(1), event("pin", "N1", "S2"), undo(2))
    assert placed(found) == {"N1": "S2"}


def test_a_bar_that_is_put_back_beats_the_pin_made_meanwhile():
    found = state(event("declined", "N1", "S1"), undo(1), event("pin", "N1", "S1"), undo(2))
    assert placed(found) == {}
    assert found.barred["N1", "S1"].kind == "declined"


def test_the_last_status_counts_and_only_while_it_is_the_last_does_it_bar():
    away = [event("status", "N1", "S1", status="agreed"), event("status", "N1", "S1", status="declined")]
    assert state(*away).barred["N1", "S1"].kind == "declined"
    assert state(*away, undo(2)).statuses == {("N1", "S1"): "agreed"}
    back = state(*away, event("status", "N1", "S1", status="approached"))
    assert (back.barred, back.status_of("N1", "S1")) == ({}, "approached")


def test_a_withdrawal_ends_the_deployment_and_bars_no_one():
    withdrawn = event("status", "N1", "S1", status="withdrawn")
    gone = [event("pin", "N1", "S1"), event("status", "N1", "S1", status="agreed"), withdrawn]
    found = state(*gone)
    assert (found.barred, found.placements, list(found.freed)) == ({}, {}, ["N1"])
    assert live_supporters({"N1": "S1"}, found) == {}
    assert rows(rerun(found)) == []
    assert live_supporters({"N1": "S1"}, state(*gone, undo(3))) == {"N1": "S1"}
    again = state(*gone, event("pin", "N1", "S1"))
    assert live_supporters({}, again) == {"N1": "S1"}
    # A later plan that proposes them proposes a new deployment.
    later = state(*gone, event("plan", plan="1"))
    assert (later.status_of("N1", "S1"), live_supporters({"N1": "S1"}, later)) == ("proposed", {"N1": "S1"})


def test_a_withdrawal_that_is_redone_after_a_plan_ends_what_that_plan_proposes():
    away = [event("status", "N1", "S1", status="withdrawn"), undo(1), event("plan", plan="1")]
    assert live_supporters({"N1": "S1"}, state(*away)) == {"N1": "S1"}
    assert live_supporters({"N1": "S1"}, state(*away, undo(2))) == {}
    assert state(*away, undo(2)).status_of("N1", "S1") == "withdrawn"


def test_an_agreement_that_is_redone_after_a_plan_counts_after_it():
    agreed = [event("status", "N1", "S1", status="agreed"), undo(1), event("plan", plan="1"), undo(2)]
    assert live_supporters({"N1": "S2"}, state(*agreed)) == {"N1": "S1"}
    assert rows(rerun(state(*agreed))) == [("pin", "N1", "S1")]


def test_a_paused_deployment_stays():
    found = state(event("status", "N1", "S1", status="paused"), event("plan", plan="1"))
    assert rows(rerun(found)) == [("pin", "N1", "S1")]


def test_notes_stay_until_they_are_undone():
    events = [event("note", "N1", text="Ring first"), event("note", supporter_id="S1", text="Away in May"), undo(1)]
    assert [one.about["text"] for one in state(*events).notes] == ["Away in May"]


def test_it_is_known_what_touched_a_pair_last():
    found = state(event("pin", "N1", "S1"), event("note", "N2", "S1", text="x"), undo(1), event("note", "N1", text="y"))
    assert found.touched == {("N1", "S1"): 3, ("N2", "S1"): 2}


# The fold against another way to reckon it


def commands() -> st.SearchStrategy[list[Event]]:
    needs, people = st.sampled_from(list(SCHOOL_OF)), st.sampled_from(PEOPLE)
    one = st.one_of(
        st.builds(event, st.sampled_from(["pin", "forbid", "declined", "swap"]), needs, people, why=st.just("so")),
        st.builds(lambda n, s, b: event("swap", n, s, broken=b), needs, people, st.sampled_from(["", "distance"])),
        st.builds(lambda n, s, word: event("status", n, s, status=word), needs, people, st.sampled_from(STATUSES)),
        st.builds(lambda n: event("note", n, text="Ring first"), needs),
        st.integers(1, 14).map(undo),
        st.just(event("plan", plan="1")),
    )
    return st.lists(one, max_size=14)


def accepted(tried: Sequence[Event], *, refuse: bool = True) -> list[Event]:
    """The events that are not refused, each on top of those before it."""
    taken: list[Event] = []
    for one in tried:
        latest = replace(one, number=len(taken) + 1)
        if latest.undoes is not None and latest.undoes >= latest.number:
            continue
        if refuse and latest.kind != "plan" and why_refused(state_of(taken), latest):
            continue
        taken.append(latest)
    return taken


def holds(events: Sequence[Event], one: Event) -> bool:
    return not any(holds(events, other) for other in events if other.undoes == one.number)


def acted(events: Sequence[Event], one: Event) -> int:
    """The moment from which an event has held without a break: its own, or that of the undo that brought it back."""
    return 1 + max((k for k in range(one.number, len(events)) if not holds(events[:k], one)), default=one.number - 1)


def in_words(events: Sequence[Event]) -> tuple[dict, set, dict, set]:
    """Placements, barred pairs, statuses and freed needs, by looking each up from the back."""
    standing = [one for one in events if holds(events, one)]
    pairs = [(need_id, one) for need_id in SCHOOL_OF for one in PEOPLE]
    last_status = {
        pair: next((one.about["status"] for one in reversed(standing) if (one.kind, one.pair) == ("status", pair)), "")
        for pair in pairs
    }
    barred = {
        pair
        for pair in pairs
        if last_status[pair] == "declined"
        or any(one.pair == pair and one.kind in ("forbid", "declined") for one in standing)
    }
    last = {
        need_id: next(
            (one for one in reversed(standing) if one.kind in ("pin", "swap") and one.need_id == need_id), None
        )
        for need_id in SCHOOL_OF
    }
    ended = withdrawn(events)
    placements = {
        need_id: one
        for need_id, one in last.items()
        if one and one.pair not in barred and ended.get(one.pair, 0) < acted(events, one)
    }
    freed = {need_id for need_id, one in last.items() if one and need_id not in placements}
    return placements, barred, {pair: word for pair, word in last_status.items() if word}, freed


def withdrawn(events: Sequence[Event]) -> dict[tuple[str, str], int]:
    """By pair whose last status is a withdrawal: the moment from which that has held."""
    last = {one.pair: one for one in events if one.kind == "status" and holds(events, one)}
    return {pair: acted(events, one) for pair, one in last.items() if one.about["status"] == "withdrawn"}


@cases(100)
@given(commands(), st.booleans())
def test_the_fold_is_what_looking_each_thing_up_gives(tried, refuse):
    events = accepted(tried, refuse=refuse)
    found = state_of(events)
    placements, barred, statuses, freed = in_words(events)
    assert {need_id: (one.kind, one.supporter_id, one.number) for need_id, one in found.placements.items()} == {
        need_id: (one.kind, one.supporter_id, one.number) for need_id, one in placements.items()
    }
    assert (set(found.barred), found.statuses, set(found.freed)) == (barred, statuses, freed)
    assert found.undone == {one.number for one in events if not holds(events, one)}


@cases(100)
@given(commands())
def test_undoing_the_last_decision_is_as_if_it_had_never_been_made(tried):
    events = accepted(tried)
    assume(events and events[-1].kind in DECISIONS)
    without, undone = (
        state_of(events[:-1]),
        state_of([*events, replace(undo(events[-1].number), number=len(events) + 1)]),
    )
    for name in ("pins", "swaps", "freed", "barred", "statuses", "notes"):
        assert getattr(without, name) == getattr(undone, name)


@cases(100)
@given(commands(), st.dictionaries(st.sampled_from(list(SCHOOL_OF)), st.sampled_from(PEOPLE)))
@example([event("pin", "N1", "S2"), undo(1), event("plan", plan="1"), undo(2)], {"N1": "S1"})
def test_who_serves_what_is_the_plan_and_what_was_decided_since(tried, deployments):
    events = accepted(tried)
    planned = max((one.number for one in events if one.kind == "plan" and holds(events, one)), default=0)
    expected = {need_id: (planned, one) for need_id, one in deployments.items()}
    _, barred, statuses, _ = in_words(events)
    standing = [one for one in events if holds(events, one)]
    for need_id in SCHOOL_OF:
        about = [one for one in standing if one.need_id == need_id]
        placed_there = [one for one in about if one.kind in ("pin", "swap")][-1:]
        agreed = [one for one in about if one.about.get("status") in HELD and statuses[one.pair] in HELD]
        for one in sorted([*placed_there, *agreed], key=lambda one: (acted(events, one), one.number)):
            # Only what has not held without a break since before the plan is newer than the plan.
            if acted(events, one) > planned:
                expected[need_id] = (acted(events, one), one.supporter_id)
    ended = withdrawn(events)
    expected = {
        need_id: one
        for need_id, (moment, one) in expected.items()
        if (need_id, one) not in barred and ended.get((need_id, one), 0) <= moment
    }
    assert live_supporters(deployments, state_of(events)) == expected


def test_a_decline_after_the_plan_frees_the_need_and_its_undo_gives_it_back():
    events = [event("plan", plan="1"), event("declined", "N1", "S1")]
    assert live_supporters({"N1": "S1", "N2": "S2"}, state(*events)) == {"N2": "S2"}
    assert live_supporters({"N1": "S1"}, state(*events, undo(2))) == {"N1": "S1"}


def test_to_undo_what_the_plan_knows_of_moves_nobody():
    events = [event("pin", "N1", "S1"), event("declined", "N2", "S2"), event("plan", plan="1"), undo(1), undo(2)]
    assert live_supporters({"N1": "S1", "N2": "S3"}, state(*events)) == {"N1": "S1", "N2": "S3"}


def test_a_plan_that_was_made_earlier_than_it_was_accepted_knows_less():
    events = [event("created"), event("pin", "N1", "S2"), event("plan", plan="1", after="1")]
    assert live_supporters({"N1": "S1"}, state(*events)) == {"N1": "S2"}


# What is refused


def refused(message: str, latest: Event, *before: Event) -> None:
    with pytest.raises(DataError, match=message) as caught:
        check_event(state(*before), replace(latest, number=len(before) + 1))
    (problem,) = caught.value.problems
    assert problem.fix.endswith(".")


@pytest.mark.parametrize("latest", [event("pin", "N1", "S1"), event("swap", "N1", "S1", broken="distance")])
def test_nobody_is_placed_where_they_were_forbidden_or_declined(latest):
    refused(r"S1 has declined need N1 \(event 1\)\. Undo that first", latest, event("declined", "N1", "S1"))
    refused(r"S1 is forbidden for need N1 \(event 1\)\. Undo that", latest, event("forbid", "N1", "S1"))
    refused("S1 has declined", latest, event("status", "N1", "S1", status="declined"))
    check_event(state(event("status", "N1", "S1", status="withdrawn")), latest)
    check_event(state(event("forbid", "N1", "S2"), event("forbid", "N2", "S1")), latest)
    check_event(state(event("forbid", "N1", "S1"), undo(1)), latest)


def test_a_status_does_not_lift_a_decision():
    agreed = event("status", "N1", "S1", status="agreed")
    withdrawn = event("status", "N1", "S1", status="withdrawn")
    refused("S1 is forbidden for need N1", agreed, event("forbid", "N1", "S1"))
    refused("S1 has declined need N1", agreed, event("declined", "N1", "S1"), withdrawn)
    check_event(state(withdrawn, event("desk", consents="")), agreed)


@pytest.mark.parametrize(("kind", "rule"), [("declined", "declined"), ("forbid", "forbidden")])
def test_a_placement_that_names_a_bar_stands_against_it_and_the_bar_remains(kind, rule):
    bar, placed = event(kind, "N1", "S1"), event("swap", "N1", "S1", broken=f"distance;{rule}")
    check_event(state(bar), replace(placed, number=2))
    found = state(bar, placed)
    assert (found.swaps["N1"].pair, {*found.barred}) == (("N1", "S1"), {("N1", "S1")})
    assert live_supporters({"N1": "S2"}, found) == {"N1": "S1"}
    assert found.status_of("N1", "S1") == "proposed"
    agreed = event("status", "N1", "S1", status="agreed")
    check_event(replace(found, desk=DeskSettings(consents=())), replace(agreed, number=3))
    assert state(bar, placed, agreed).status_of("N1", "S1") == "agreed"
    assert rows(rerun(found)) == sorted([("pin", "N1", "S1"), (kind, "N1", "S1")])
    # A refusal that comes later ends it.
    later = state(bar, placed, event("declined", "N1", "S1"))
    assert (later.swaps, live_supporters({"N1": "S2"}, later)) == ({}, {})
    assert live_supporters({"N1": "S2"}, state(bar, placed, undo(2))) == {"N1": "S2"}


def test_whoever_is_placed_after_a_withdrawal_is_proposed_again():
    found = state(event("status", "N1", "S1", status="withdrawn"), event("swap", "N1", "S1"))
    assert live_supporters({"N1": "S1"}, found) == {"N1": "S1"}
    assert found.status_of("N1", "S1") == "proposed"


def test_an_undo_names_something_that_can_be_undone():
    refused("There is no such event in this round", undo(2), event("pin", "N1", "S1"))
    refused("There is no such event in this round", Event(0, AT, "Jo", "undo", "", {}))
    refused(r"Event 1 \(round begun\) cannot be undone\. Change the round", undo(1), event("created"))
    refused("earlier version, which did not keep the tables before", undo(1), event("files", tables="needs"))
    check_event(state(event("plan", plan="1")), undo(1))
    refused("Event 1 is undone already. To redo it", undo(1), event("pin", "N1", "S1"), undo(1))
    check_event(state(event("pin", "N1", "S1"), undo(1)), undo(2))


def test_events_have_to_be_whole():
    refused("'plan' is not a decision that can be recorded. Known are: pin,", event("plan"))
    refused("'shrug' is not a decision", event("shrug"))
    refused("Give the need_id", event("pin", "", "S1"))
    refused("Give the supporter_id", event("status", "N1", status="agreed"))
    refused("'keen' is not a known status. Known are: proposed,", event("status", "N1", "S1", status="keen"))
    refused("'' is not a known status", event("status", "N1", "S1"))
    refused("The note names no need", event("note", text="x"))
    refused("The note is blank", event("note", "N1", text=" "))
    refused("Only an undo can undo an event", replace(event("pin", "N1", "S1"), undoes=1))


def test_text_that_no_table_could_hold_is_refused():
    refused("'=1' cannot be used as an identifier", event("pin", "=1", "S1"))
    refused("holds a line break or a control character", event("pin", "N1", "S1", by="Jo\nAnn"))
    refused("holds a control character", event("pin", "N1", "S1", why="\x07"))
    refused("holds a control character", replace(undo(1), why="\x00"), event("pin", "N1", "S1"))
    refused("has 4,001 characters, and the limit is 4,000", event("note", "N1", text="x" * 4001))


# The decisions table


def test_a_rerun_keeps_what_is_pinned_placed_and_agreed():
    found = state(
        event("pin", "N3", "S3"),
        event("status", "N2", "S2", status="agreed"),
        event("swap", "N1", "S1", why="Known to the head"),
        event("forbid", "N1", "S2"),
        event("status", "N1", "S3", status="approached"),
    )
    assert rows(rerun(found)) == [("pin", "N1", "S1"), ("forbid", "N1", "S2"), ("pin", "N2", "S2"), ("pin", "N3", "S3")]
    line = "pin,S1,N1,100000,Known to the head,Jo,2026-09-14"
    assert line in rerun(found).content.decode()


def test_the_next_round_takes_only_what_is_forbidden_or_declined():
    base = table("pin,S3,N3,,,,", "forbid,S2,,100001,,,")
    found = state(event("pin", "N1", "S1"), event("status", "N2", "S1", status="declined"))
    source = decisions_source(decisions_table(base, found, hold=False, needs=SCHOOL_OF))
    assert rows(source) == [("forbid", "", "S2"), ("declined", "N2", "S1")]
    assert source.content.decode().endswith("declined,S1,N2,100001,,Jo,2026-09-14,\n")


def test_a_placement_takes_precedence_over_a_status_and_a_later_status_before_an_earlier():
    agreed = [event("status", "N1", one, status="agreed") for one in ("S1", "S2")]
    assert rows(rerun(state(*agreed))) == [("pin", "N1", "S2")]
    assert rows(rerun(state(event("pin", "N1", "S3"), *agreed))) == [("pin", "N1", "S3")]
    back = [*agreed, event("status", "N1", "S1", status="active")]
    assert rows(rerun(state(*back))) == [("pin", "N1", "S1")]
    assert rows(rerun(state(*back, undo(3)))) == [("pin", "N1", "S2")]


def test_who_had_agreed_before_somebody_else_was_put_there_does_not_come_back():
    agreed = event("status", "N1", "S1", status="agreed")
    gone = [agreed, event("swap", "N1", "S2"), event("declined", "N1", "S2")]
    assert rows(rerun(state(*gone))) == [("declined", "N1", "S2")]
    assert live_supporters({"N1": "S1"}, state(*gone)) == {}
    assert rows(rerun(state(*gone, agreed))) == [("pin", "N1", "S1"), ("declined", "N1", "S2")]


def test_recorded_decisions_take_precedence_over_the_rounds_own_pins():
    base = table("pin,S1,N1,,Began in May,Al,2026-05-01", "pin,S2,,100001,,,")
    assert rows(rerun(state(event("pin", "N1", "S3")), base)) == [("pin", "", "S2"), ("pin", "N1", "S3")]
    assert rows(rerun(state(event("declined", "N1", "S1")), base)) == [("pin", "", "S2"), ("declined", "N1", "S1")]
    freed = state(event("pin", "N1", "S3"), event("declined", "N1", "S3"))
    assert rows(rerun(freed, base)) == [("pin", "", "S2"), ("declined", "N1", "S3")]
    assert rows(rerun(state(), base)) == [("pin", "N1", "S1"), ("pin", "", "S2")]


def test_a_row_for_a_school_gives_way_for_the_needs_concerned_alone():
    needs = {"N1": "100000", "N4": "100000", "N5": "100000"}
    base = table("pin,S1,,100000,,,")
    source = decisions_source(decisions_table(base, state(event("declined", "N4", "S1")), hold=True, needs=needs))
    assert rows(source) == [("pin", "N1", "S1"), ("pin", "N5", "S1"), ("declined", "N4", "S1")]


def test_a_bar_in_the_table_stops_a_pin_unless_the_placement_names_it():
    base = table("forbid,S1,,100000,Governor,Al,")
    with pytest.raises(DataError, match=r"decisions.csv row 2, kind: S1 is kept at need N1 .* forbidden for it here"):
        rerun(state(event("pin", "N1", "S1")), base)
    placed = rerun(state(event("swap", "N1", "S1", broken="distance")), base)
    assert rows(placed) == [("forbid", "", "S1"), ("pin", "N1", "S1")]
    assert placed.content.decode().endswith("2026-09-14,distance;forbidden\n")


def test_nothing_is_said_twice():
    base = table("declined,S1,N1,,Earlier,Al,2026-05-01")
    found = state(event("declined", "N1", "S1", why="Later"))
    assert rows(rerun(found, base)) == [("declined", "N1", "S1")]
    assert rerun(found, rerun(found, base)) == rerun(found, base)


def test_people_and_needs_that_are_gone_are_left_out():
    found = state(event("pin", "N9", "S1"), event("forbid", "N1", "S9"), event("forbid", "N1", "S1"))
    assert rows(rerun(found, supporters=PEOPLE)) == [("forbid", "N1", "S1")]


def test_the_rounds_own_table_is_read_as_the_project_reads_it():
    text = "Person,kind,need_id\nS1,Pin,N1\n"
    for base in (Source("d.csv", text.encode()), Source("d.xlsx", xlsx(text))):
        assert rows(rerun(state(), base, options=TableOptions({"Person": "supporter_id"}))) == [("pin", "N1", "S1")]
    with pytest.raises(DataError, match=r"'shrug' is not a known kind of decision"):
        rerun(state(), table("shrug,S1,N1,,,,"))


@pytest.mark.parametrize("why", ["=HYPERLINK(1)", "@now", "-1", 'He said: "no", twice', "one\r\ntwo\rthree", "＝1"])
def test_no_cell_is_a_formula_and_every_cell_is_read_back(why):
    source = rerun(state(event("declined", "N1", "S1", why=why, by="+Jo")))
    (found,) = read(supporters=SUPPORTERS, decisions=source).decisions.to_dict("records")
    assert found["reason"].removeprefix("'").splitlines() == why.splitlines()
    assert not found["reason"].startswith(tuple("=@-＝"))
    assert found["by"] == "'+Jo"


def bases() -> st.SearchStrategy[list[str]]:
    line = st.builds(
        lambda kind, one, where: f"{kind},{one},{where},earlier,Al,2026-05-01",
        st.sampled_from(["pin", "forbid", "declined"]),
        st.sampled_from(PEOPLE),
        st.sampled_from(["N1,", "N2,100001", "N3,", ",100000", ",100002"]),
    )
    return st.lists(line, max_size=4, unique=True)


@cases(25)
@given(commands(), bases())
def test_a_rerun_reads_a_sound_table_that_says_what_was_decided(tried, lines):
    base = table(*lines)
    try:
        before = read(supporters=SUPPORTERS, decisions=base).decisions
    except DataError:
        assume(False)
    events = accepted(tried)
    placements, barred, statuses, freed = in_words(events)
    broken = {need_id for need_id, one in state_of(events).placements.items() if one.broken}
    try:
        source = rerun(state_of(events), base)
    except DataError as error:
        assert all("is kept at need" in one.message for one in error.problems)
        return
    after = read(supporters=SUPPORTERS, decisions=source).decisions
    said = {(row.kind, row.need_id, row.supporter_id) for row in after.itertuples()}
    given = {(row.kind, row.need_id, row.supporter_id) for row in before.itertuples()}
    freed_since = {need_id: one.since for need_id, one in state_of(events).freed.items()}
    agreed = {
        one.need_id
        for one in events
        if one.kind == "status" and holds(events, one) and one.pair not in barred and statuses[one.pair] in HELD
        if one.number > freed_since.get(one.need_id, 0)
    }
    held = agreed | set(placements)
    pins = {(need_id, one) for kind, need_id, one in said if kind == "pin"}
    assert {need_id for need_id, _ in pins} >= held
    assert all((need_id, one.supporter_id) in pins for need_id, one in placements.items())
    assert {pair for kind, *pair in said if kind != "pin" for pair in [tuple(pair)]} >= barred
    for kind, need_id, one in given:
        if kind == "pin":
            assert ((need_id, one) in pins) >= (need_id not in held | freed and (need_id, one) not in barred)
        else:
            assert (kind, need_id, one) in said or (need_id in broken and (need_id, one) in pins)
    assert rerun(state_of(events), base) == source
    assert rerun(state_of(events), source) == source


# The history


def test_every_kind_of_event_has_words():
    assert set(DECISIONS) < set(KINDS)
    assert all(what_happened(event(kind, status="x", plan="1", name="n")) for kind in KINDS)


def test_the_history_tells_what_was_done_to_whom_why_and_what_was_undone():
    events = numbered(
        event("created", name="Autumn"),
        event("swap", "N1", "S2", replaces="S1", why="Nearer"),
        undo(2),
        event("status", "N3", "S3", status="agreed"),
        event("note", "N1", text="=Ring first"),
        event("files", tables="needs;policy"),
        event("plan", plan="2"),
    )
    told = history_table(events)
    assert tuple(told.columns) == HISTORY_COLUMNS
    assert told.to_numpy().tolist() == [
        ["1", "2026-09-14T22:30:00+00:00", "Jo", "round begun", "", "", "", ""],
        ["2", "2026-09-14T22:30:00+00:00", "Jo", "placed by hand instead of S1", "N1", "S2", "Nearer", "yes"],
        ["3", "2026-09-14T22:30:00+00:00", "Jo", "undone: event 2", "N1", "S2", "", ""],
        ["4", "2026-09-14T22:30:00+00:00", "Jo", "status: agreed", "N3", "S3", "", ""],
        ["5", "2026-09-14T22:30:00+00:00", "Jo", "note", "N1", "", "'=Ring first", ""],
        ["6", "2026-09-14T22:30:00+00:00", "Jo", "tables changed: needs, policy", "", "", "", ""],
        ["7", "2026-09-14T22:30:00+00:00", "Jo", "plan accepted: plan 2", "", "", "", ""],
    ]
    assert history_csv(events).decode("utf-8-sig").splitlines()[0] == ",".join(HISTORY_COLUMNS)
    assert history_csv([]).decode("utf-8-sig") == ",".join(HISTORY_COLUMNS) + "\n"


def test_names_of_people_are_in_no_repr():
    one = new_event("pin", by="Quillfeather", why="Quillfeather asked", need_id="N1", supporter_id="S1")
    found = state_of([replace(one, number=1)])
    assert "Quillfeather" not in repr(one) + repr(found)
