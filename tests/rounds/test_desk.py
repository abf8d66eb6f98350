"""The contact desk: how a deployment moves, what an agreement waits for, and what is to be done on a day."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache

import pytest
import tiny
from depth import cases
from hypothesis import given, settings
from hypothesis import strategies as st
from stores import opened

from matching.errors import DataError
from matching.rounds.desk.moves import MOVES, missing_consents
from matching.rounds.desk.refused_consent import absence_after_no, events_after_no
from matching.rounds.desk.settings import PARTIES, DeskSettings
from matching.rounds.desk.today import KINDS, URGENCIES, line_in_words, today
from matching.rounds.history.events import ENDED, HELD, STATUSES, Event
from matching.rounds.history.merging import can_merge
from matching.rounds.history.refusals import check_event, why_refused
from matching.rounds.history.state import RoundState, state_of
from matching.rounds.history.table import what_happened
from matching.rounds.register import rows_by_key, table_cells

BEGAN = date(2026, 9, 1)
PAIR = ("N1", "S1")
EVIDENCE = "supporter_id,criterion,met,evidence,checked_on\n" + "".join(
    f"S1,SLE-{number},yes,Seen,2024-10-01\nS2,LLE-{number},yes,Seen,2026-05-01\n" for number in range(1, 9)
)


# Read once: no test changes what was read.
read = cache(tiny.read)


def event(kind: str, at_day: date = BEGAN, need_id: str = "N1", supporter_id: str = "S1", **about: str) -> Event:
    at = datetime(at_day.year, at_day.month, at_day.day, 9, tzinfo=UTC)
    pair = {} if kind in ("desk", "plan", "created") else {"need_id": need_id, "supporter_id": supporter_id}
    return Event(0, at, about.pop("by", "Jo"), kind, "", {**pair, **about})


def status(to: str, day: int = 0, **about: str) -> Event:
    return event("status", BEGAN + timedelta(days=day), status=to, **about)


def consent(party: str, day: int = 0, answer: str = "yes", **about: str) -> Event:
    return event("consent", BEGAN + timedelta(days=day), party=party, answer=answer, **about)


def state(*events: Event) -> RoundState:
    return state_of(replace(one, number=number) for number, one in enumerate(events, start=1))


def refused(one: Event, *before: Event) -> str:
    with pytest.raises(DataError) as caught:
        check_event(state(*before), one)
    (problem,) = caught.value.problems
    return f"{problem.message} {problem.fix}"


# ---- how a deployment moves ----------------------------------------------------------------------------------------


ANY = st.one_of(
    st.builds(status, st.sampled_from(STATUSES)),
    st.builds(consent, st.sampled_from(PARTIES)),
    st.builds(lambda ones: event("desk", consents=";".join(ones)), st.lists(st.sampled_from(PARTIES), unique=True)),
    st.builds(event, st.sampled_from(("pin", "declined", "note", "plan"))),
)


@settings(max_examples=40)
@given(st.lists(ANY, max_size=25))
def test_a_deployment_moves_only_along_allowed_statuses_and_is_agreed_only_with_every_consent(attempts):
    events: list[Event] = []
    for one in attempts:
        about = {"plan": "1"} if one.kind == "plan" else {"text": "x"} if one.kind == "note" else {}
        one = replace(one, number=len(events) + 1, about={**one.about, **about})
        before = state_of(events)
        if one.kind != "plan" and why_refused(before, one):
            continue
        events.append(one)
        if one.kind == "status":
            was, now = before.status_of(*PAIR), one.about["status"]
            assert now in MOVES[was]
            assert state_of(events).status_of(*PAIR) == now
            assert now not in HELD or was in HELD or missing_consents(before, PAIR) == ()


def test_the_table_of_moves_knows_every_status_and_ends_nothing_that_is_completed():
    assert {*MOVES} == {*STATUSES}
    assert all({*after} <= {*STATUSES} for after in MOVES.values())
    assert MOVES["completed"] == ()
    assert all({*ENDED} <= {*MOVES[one]} for one in STATUSES if one not in (*ENDED, "completed"))


def test_an_agreement_names_the_consents_that_are_missing():
    words = refused(status("agreed"), status("approached"), consent("supporter"))
    assert "without the consent of the home school and the receiving school." in words
    everyone = [consent(one) for one in PARTIES]
    check_event(state(*everyone), status("agreed"))
    check_event(state(event("desk", consents="supporter"), everyone[0]), status("agreed"))
    assert "the home school" in refused(
        status("agreed"), *everyone, consent("home school", answer="no", extent="altogether")
    )


def test_who_is_asked_again_after_an_end_is_asked_for_every_consent_again():
    everyone = [consent(one) for one in PARTIES]
    assert missing_consents(state(*everyone, status("withdrawn")), PAIR) == PARTIES
    assert missing_consents(state(*everyone, status("declined"), status("approached")), PAIR) == PARTIES


def test_an_agreement_from_before_consents_were_asked_for_stands():
    found = state(status("agreed"), event("desk", consents=";".join(PARTIES)))
    assert found.status_of(*PAIR) == "agreed"
    check_event(found, status("active"))
    check_event(state(status("agreed"), status("paused")), status("agreed"))


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (status("active"), "The support is proposed, and cannot become active from there. It can become approached,"),
        (status("proposed"), "The support is proposed already."),
        (status("approached", on="2026-08-31"), "31/08/2026 is before the round began. The round began on 01/09/2026."),
        (status("approached", on="2026-09-03"), "03/09/2026 is in the future."),
        (status("approached", on="1/9/2026"), "'1/9/2026' is not a day."),
        (consent("head"), "It is not known who consented."),
        (consent("supporter", answer="no"), "A supporter who says no declines."),
        (consent("home school", answer="no"), "It is not known how far the no of the home school goes."),
        (consent("home school", answer="no", extent="until"), "The last day of the home school's no is missing."),
        (event("desk", remind_after_days="0"), "'0' is not a number of days from 1 to 365."),
        (event("desk", remind_after_days="9", ask_next_after_days="5"), "asked before a reminder is due."),
        (event("desk", consents="supporter;governors"), "'governors' is none of supporter,"),
    ],
)
def test_what_cannot_be_recorded_says_why_and_what_to_do(one, words):
    assert words in refused(one, event("created"))


def test_settings_are_events_that_change_no_plan_and_can_be_undone(tmp_path):
    sources = {name: tiny.as_source(name, table) for name, table in tiny.sources().items()}
    with opened(tmp_path / "rounds.db") as store:
        seen = store.create("Autumn", sources)
        seen = store.record(seen, [event("desk", remind_after_days="3", consents="supporter")])
        found = state_of(seen.events)
        assert found.desk == DeskSettings(3, 10, ("supporter",))
        words = "remind after 3 days, ask the next person after 10 days, consents needed: supporter"
        assert what_happened(seen.events[-1]) == f"settings of the contact desk: {words}"
        assert seen.sources == sources
        restored = store.import_round(store.export_round(seen.round_id))
        assert state_of(restored.events).desk == found.desk
        assert state_of(store.undo(seen, seen.last_event).events).desk == DeskSettings()


# ---- today ---------------------------------------------------------------------------------------------------------


def lines(*events: Event, day: int, starts: str = "", supporter_of: dict[str, str] | None = None, **tables: str):
    needs = tiny.NEEDS.replace("priority", "priority,start_by").replace("2,high", f"2,high,{starts}")
    inputs = read(needs=needs.replace(",,,\n", ",,,,\n").replace("critical", "critical,"), **tables)
    pairs = {"N1": "S1"} if supporter_of is None else supporter_of
    return today(state(event("plan", plan="1"), *events), pairs, inputs, BEGAN + timedelta(days=day))


def kinds(*events: Event, **where: object) -> list[tuple[str, str, int | None]]:
    return [(one.kind, one.urgency, one.days) for one in lines(*events, **where)]


def test_a_proposed_deployment_is_to_be_approached_and_an_approached_one_is_reminded_and_then_passed_over():
    assert kinds(day=2) == [("approach", "soon", 2)]
    asked = status("approached", 1)
    assert kinds(asked, day=5) == []
    assert kinds(asked, day=6) == [("remind", "soon", 5)]
    assert kinds(asked, day=11) == [("ask next", "now", 10)]
    earlier = status("approached", 4, on="2026-09-01")
    assert kinds(earlier, day=5) == [("remind", "soon", 5)]
    sooner = event("desk", remind_after_days="1", ask_next_after_days="2")
    assert [one[0] for one in kinds(sooner, asked, day=2)] == ["remind"]
    assert [one[0] for one in kinds(sooner, asked, day=3)] == ["ask next"]


def test_a_consent_ends_the_waiting_for_an_answer_and_names_the_others():
    asked, yes = status("approached"), consent("supporter", 3)
    (line,) = lines(asked, yes, day=30)
    assert (line.kind, line.missing, line.days) == ("consents", PARTIES[1:], 27)
    (line,) = lines(asked, yes, *(consent(one, 4) for one in PARTIES[1:]), day=6)
    assert (line.kind, line.urgency, line.missing) == ("agree", "now", ())


def test_an_agreed_deployment_is_listed_when_it_starts_soon_or_should_have_begun():
    agreed = status("agreed")
    assert kinds(agreed, day=1, starts="2026-09-30") == []
    assert kinds(agreed, day=15, starts="2026-09-30") == [("starts soon", "now", 14)]
    assert kinds(agreed, day=30, starts="2026-09-30") == [("begin", "now", -1)]
    assert kinds(agreed, status("active", 25), day=30, starts="2026-09-30") == []
    assert kinds(day=15, starts="2026-09-30") == [("approach", "now", 15)]


def test_a_need_whose_supporter_declined_or_was_withdrawn_is_listed_until_it_has_another():
    gone = [status("approached"), status("withdrawn", 2)]
    (line,) = lines(*gone, day=5, supporter_of={})
    assert (line.kind, line.urgency, line.need_id, line.supporter_id, line.days) == ("find", "soon", "N1", "", 3)
    assert kinds(event("declined"), day=5, starts="2026-09-10", supporter_of={}) == [("find", "now", 5)]
    assert [one[0] for one in kinds(*gone, day=5, supporter_of={"N1": "S2"})] == ["approach"]


def test_evidence_that_is_due_is_a_line_for_each_person_on_the_day_and_not_before():
    due = lines(day=0, supporter_of={}, accreditation=EVIDENCE)
    assert due == ()
    (line,) = lines(day=31, supporter_of={}, accreditation=EVIDENCE)
    assert (line.kind, line.urgency, line.supporter_id, line.missing[0]) == ("review", URGENCIES[-1], "S1", "SLE-1")


HISTORIES = st.lists(
    st.one_of(
        st.builds(status, st.sampled_from(STATUSES), st.integers(0, 40), supporter_id=st.sampled_from(("S1", "S2"))),
        st.builds(consent, st.sampled_from(PARTIES), st.integers(0, 40), by=st.sampled_from(("Jo", "Al"))),
        st.sampled_from(
            (
                event("terms", days="1.5", start="2026-09-05", end="2026-10-05", review_on="2026-09-25"),
                event("terms", end="2026-09-20", need_id="N2", supporter_id="S2"),
                event("visit", on="2026-09-12", days="0.75"),
                event("review", on="2026-09-24", text="Fine"),
                event("evaluation", on="2026-09-30", rating="3"),
            )
        ),
    ),
    max_size=14,
)


@cases(40, 6)
@given(HISTORIES, st.integers(0, 60), st.randoms(use_true_random=False))
def test_the_same_history_gives_the_same_list_for_the_same_day_in_any_order_of_the_tables(history, day, shuffle):
    pairs = [("N1", "S1"), ("N2", "S2"), ("N3", "S1")]
    first = lines(*history, day=day, supporter_of=dict(pairs), starts="2026-09-20", accreditation=EVIDENCE)
    random.Random(shuffle.random()).shuffle(pairs)
    header, *rows = tiny.SUPPORTERS.splitlines(keepends=True)
    shuffle.shuffle(rows)
    tables = {"supporters": header + "".join(rows), "accreditation": EVIDENCE}
    again = lines(*history, day=day, supporter_of=dict(pairs), starts="2026-09-20", **tables)
    assert again == first
    assert all(line_in_words(one) for one in first)
    assert all(one.kind in KINDS and one.urgency in URGENCIES for one in first)
    assert [URGENCIES.index(one.urgency) for one in first] == sorted(URGENCIES.index(one.urgency) for one in first)


# ---- a school that says no -----------------------------------------------------------------------------------------


def after_no(tmp_path, party: str, extent: str, until: date | None = None):
    """The state and the register after a no to a deployment of S1 at N1, in a round where its school has two needs."""
    needs = tiny.NEEDS + "N4,100000,phonics,,1,\n"
    sources = {name: tiny.as_source(name, table) for name, table in tiny.sources(needs=needs).items()}
    with opened(tmp_path / "rounds.db") as store:
        seen = store.record(store.create("Autumn", sources), [status("approached"), consent("supporter")])
        today_utc = seen.events[-1].at.date()
        row = rows_by_key(table_cells(seen.sources, "supporters"), "supporters")[("S1",)]
        about = {"by": "Jo", "why": "Not this term"}
        events = events_after_no(state_of(seen.events), PAIR, party, extent, today_utc, until, ["N1", "N4"], **about)
        absence = absence_after_no(row, extent, today_utc, until, **about) if party == "home school" else None
        seen = store.record(seen, [*events, *([absence] if absence else [])])
        assert store.undo(seen, *range(4, seen.last_event + 1)).sources == sources
        return state_of(seen.events), tiny.read(**seen.sources)


@pytest.mark.parametrize(("party", "extent"), [("home school", "this school"), ("receiving school", "")])
def test_a_no_about_one_school_bars_from_that_school_and_is_no_decline(tmp_path, party, extent):
    found, inputs = after_no(tmp_path, party, extent or "this school")
    assert found.status_of(*PAIR) == "withdrawn"
    assert {pair: one.kind for pair, one in found.barred.items()} == {PAIR: "forbid", ("N4", "S1"): "forbid"}
    assert inputs.supporters["unavailable"].tolist() == [(), (), ()]
    assert missing_consents(found, PAIR) == PARTIES


def test_a_home_schools_no_until_a_day_is_an_absence_and_altogether_one_without_end(tmp_path):
    until = datetime.now(UTC).date() + timedelta(days=30)
    found, inputs = after_no(tmp_path, "home school", "until", until)
    assert (found.status_of(*PAIR), found.barred) == ("withdrawn", {})
    assert [one.last for one in inputs.supporters["unavailable"].iat[0]] == [until]
    (tmp_path / "rounds.db").unlink()
    found, inputs = after_no(tmp_path, "home school", "altogether")
    assert (found.status_of(*PAIR), found.barred) == ("withdrawn", {})
    assert inputs.supporters["available_until"].iat[0] < datetime.now(UTC).date()


# ---- two people ----------------------------------------------------------------------------------------------------


def test_consents_of_different_deployments_merge_and_settings_of_two_people_do_not():
    seen = [replace(event("created"), number=1)]
    mine, other = consent("supporter"), consent("supporter", need_id="N2", supporter_id="S2")
    settings_, others = event("desk", consents="supporter"), event("desk", remind_after_days="3")
    assert can_merge(seen, [replace(other, number=2)], [mine])
    assert not can_merge(seen, [replace(mine, number=2)], [status("approached")])
    assert can_merge(seen, [replace(other, number=2)], [settings_])
    assert not can_merge(seen, [replace(others, number=2)], [settings_])
