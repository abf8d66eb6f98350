"""The next round from an earlier one: what it takes over, what it leaves, and what it knows."""

from decimal import Decimal
from io import BytesIO

import pandas as pd
import pytest
import tiny
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from stores import opened

from matching.allocation import allocate
from matching.errors import DataError
from matching.inputs.read import read_inputs
from matching.plan.as_bytes import plan_files
from matching.rounds.history.events import Event, new_event
from matching.rounds.history.state import state_of
from matching.rounds.history.table import history_table
from matching.rounds.next_round import DAYS_CHOICES, next_tables, past_in_words, past_of, past_supports
from matching.rounds.planning.run_inputs import serving
from matching.rounds.planning.standing import standing
from matching.rounds.register import rows_by_key, table_cells
from matching.rounds.round import Round
from matching.rounds.store import RoundStore
from matching.tables.files import Source

DAYS = {"N1": Decimal(2), "N2": Decimal(0), "N3": Decimal("2.5")}


def entry(kind: str, need_id: str, supporter_id: str, why: str = "", **about: str) -> Event:
    return new_event(kind, by="Jo", why=why, need_id=need_id, supporter_id=supporter_id, **about)


def agreed(need_id: str, supporter_id: str) -> list[Event]:
    parties = ("supporter", "home school", "receiving school")
    said = [entry("consent", need_id, supporter_id, party=one, answer="yes") for one in parties]
    return [*said, entry("status", need_id, supporter_id, status="agreed")]


def begun(store: RoundStore, name: str = "Autumn", **tables: str) -> Round:
    sources = tiny.sources(**tables)
    inputs = read_inputs(sources, as_at=tiny.AS_AT)
    return store.save_plan(store.create(name, sources), plan_files(allocate(inputs), inputs))


def continued(store: RoundStore, seen: Round, days: str = "less running", needs: list[str] | None = None) -> Round:
    inputs, state = read_inputs(seen.sources, as_at=tiny.AS_AT), state_of(seen.events)
    plan = read_inputs(seen.sources, as_at=tiny.AS_AT)
    now = standing(serving(allocate(plan)), state, inputs)
    days_of = {pair: DAYS[pair[0]] for pair in now.items()}
    going_on = needs if needs is not None else []
    tables = next_tables(seen.sources, inputs, state, now, days_of, days, going_on)
    past = past_supports(seen.name, seen.events, state, inputs, {("N1", "S1"): "good"})
    return store.continue_from(seen, "Spring", tables, past, by="Jo")


def people(found: Round) -> dict[str, tuple[str, str]]:
    rows = rows_by_key(table_cells(found.sources, "supporters"), "supporters")
    return {key: (row["max_deployments"], row["days_available"]) for (key,), row in rows.items()}


@pytest.fixture
def store(tmp_path):
    with opened(tmp_path / "rounds.db") as store:
        yield store


def test_people_offer_less_what_is_still_to_be_given_or_all_that_was_agreed_as_chosen(store):
    seen = store.record(begun(store), [*agreed("N1", "S1"), *agreed("N3", "S1")])
    seen = store.record(seen, [entry("status", "N1", "S1", status="completed")])
    assert people(continued(store, seen, "as offered"))["S1"] == ("2", "5")
    assert people(continued(store, seen, "less running"))["S1"] == ("1", "2.5")
    assert people(continued(store, seen, "less agreed"))["S1"] == ("0", "0.5")
    # No limit stays none, and who was not asked offers what they offered.
    assert {people(continued(store, seen, one))["S2"] for one in DAYS_CHOICES} == {("1", "")}


def test_who_has_no_day_left_offers_no_place(store):
    seen = begun(store, supporters=tiny.SUPPORTERS.replace("2,5\n", "2,2.5\n"))
    seen = store.record(seen, agreed("N3", "S1"))
    assert people(continued(store, seen))["S1"] == ("0", "0")
    read_inputs(continued(store, seen, needs=["N1"]).sources, as_at=tiny.AS_AT)


def test_the_needs_that_go_on_are_the_chosen_ones_and_the_next_round_can_be_planned(store):
    seen = begun(store)
    after = continued(store, seen, needs=["N1", "N2"])
    inputs = read_inputs(after.sources, as_at=tiny.AS_AT)
    assert list(inputs.needs["need_id"]) == ["N1", "N2"]
    assert allocate(inputs).manifest["counts"]["needs"] == 2
    without = continued(store, seen, needs=[])
    assert table_cells(without.sources, "needs").empty


def test_a_forbidden_school_stays_barred_and_a_decline_bars_only_a_need_that_goes_on(store):
    seen = store.record(
        begun(store),
        [entry("forbid", "N1", "S3", "Married to the head"), entry("declined", "N3", "S1", "No time at present")],
    )
    after = continued(store, seen, needs=["N3"])
    inputs = read_inputs(after.sources, as_at=tiny.AS_AT)
    rows = {(one["kind"], one["supporter_id"], one["need_id"]) for one in decisions(after)}
    assert rows == {("declined", "S1", "N3")}
    assert dict(zip(inputs.supporters["supporter_id"], inputs.supporters["conflicts"], strict=True))["S3"] == (
        "100000",
    )
    assert ("N3", "S1") not in serving(allocate(inputs)).items()
    assert "decisions" not in continued(store, seen).sources
    (kept,) = [one for one in decisions(continued(store, seen, needs=["N1"])) if one["kind"] == "forbid"]
    assert (kept["supporter_id"], kept["need_id"]) == ("S3", "N1")


def decisions(found: Round) -> list[dict[str, str]]:
    return table_of(found.sources["decisions"]).to_dict("records")


def table_of(source: Source) -> pd.DataFrame:
    return pd.read_csv(BytesIO(source.content), dtype=str, keep_default_na=False)


def test_what_happened_is_shown_and_goes_on_from_round_to_round(store):
    seen = store.record(begun(store), [entry("declined", "N3", "S1", "Too far"), *agreed("N1", "S1")])
    seen = store.record(seen, [entry("status", "N1", "S1", status="completed", on="2026-11-03")][:0])
    after = continued(store, seen, needs=["N1"])
    words = [past_in_words(one, "Alder School") for one in past_of(after.events)]
    assert any("phonics: declined" in one and "because: Too far (Autumn)" in one for one in words)
    assert any("maths: agreed" in one and "rated good (Autumn)" in one for one in words)
    inputs, state = read_inputs(after.sources, as_at=tiny.AS_AT), state_of(after.events)
    later = store.continue_from(
        after, "Summer", after.sources, past_supports("Spring", after.events, state, inputs, {})
    )
    assert past_of(later.events) == past_of(after.events)
    assert history_table(later.events)["what"].tolist() == ["begun from an earlier round: Spring"]


def test_the_next_round_travels_in_its_file_and_the_earlier_one_stays_as_it_is(store, tmp_path):
    seen = store.record(begun(store), [entry("forbid", "N1", "S3", "Married to the head")])
    before = store.export_round(seen.round_id)
    after = continued(store, seen, needs=["N1"])
    assert store.export_round(seen.round_id) == before
    with opened(tmp_path / "other.db") as other:
        restored = other.import_round(store.export_round(after.round_id))
        assert past_of(restored.events) == past_of(after.events) != ()
        assert restored.sources == after.sources


@cases(6, usually=3)
@given(st.lists(st.sampled_from([("N1", "S1"), ("N2", "S2"), ("N3", "S1"), ("N3", "S3")]), max_size=4), st.data())
def test_the_past_changes_no_plan(tmp_path_factory, pairs, data):
    """The next round is planned as one that is begun with the same tables."""
    with opened(tmp_path_factory.mktemp("past") / "rounds.db") as store:
        seen = begun(store)
        for pair in dict.fromkeys(pairs):
            kind = data.draw(st.sampled_from(["declined", "approached", "agreed"]))
            entries = agreed(*pair) if kind == "agreed" else [entry("status", *pair, status=kind)]
            seen = store.record(seen, entries)
        after = continued(store, seen, data.draw(st.sampled_from([*DAYS_CHOICES])), needs=["N1", "N2", "N3"])
        anew = store.create("Anew", after.sources)
    plans = [
        plan_files(allocate(inputs), inputs)
        for inputs in (read_inputs(one.sources, as_at=tiny.AS_AT) for one in (after, anew))
    ]
    assert {name: one for name, one in plans[0].items() if name != "manifest.json"} == {
        name: one for name, one in plans[1].items() if name != "manifest.json"
    }


def test_decisions_of_the_tables_are_known_in_the_next_round_too(store):
    given = tiny.decisions("declined,S1,N3,,No time,Jo,2026-08-01", "forbid,S3,N1,,Married to the head,Jo,")
    after = continued(store, begun(store, decisions=given))
    words = {one.supporter_id: past_in_words(one, "School") for one in past_of(after.events)}
    assert "declined on 01/08/2026, because: No time (Autumn)" in words["S1"]
    assert "forbidden, because: Married to the head (Autumn)" in words["S3"]


def test_settings_begin_with_the_next_round_or_neither_does(store):
    seen = begun(store)
    with pytest.raises(DataError):
        store.continue_from(seen, "Spring", seen.sources, (), [new_event("desk", by="Jo", consents="nobody")])
    assert [one.name for one in store.list()] == ["Autumn"]
