"""Databases of rounds that earlier versions wrote: each opens for ever, with its rounds, plans and history."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from matching.inputs.read import read_inputs
from matching.pairs.market import open_market
from matching.plan.on_disk import SavedPlan, read_files
from matching.rounds.history.state import live_supporters, state_of
from matching.rounds.history.table import history_table
from matching.rounds.planning.live_plan import Accepted, live_plan
from matching.rounds.planning.run_inputs import as_placed, run_inputs, serving
from matching.rounds.store import RoundStore, open_store
from matching.whatif.explain import explain_need
from matching.whatif.resolve import changed_market

SAVED = sorted((Path(__file__).parents[1] / "saved_rounds").glob("*.sqlite"))


@pytest.fixture(params=SAVED, ids=[one.stem for one in SAVED])
def store(request, tmp_path) -> Iterator[RoundStore]:
    """A copy of one database, since opening it brings it up to date."""
    path = tmp_path / "rounds.db"
    shutil.copyfile(request.param, path)
    with closing(open_store(f"sqlite:///{path}")) as store:
        yield store


def test_every_round_is_listed_and_opens(store):
    assert {one.name for one in store.list()} == {"Autumn round", "Spring round", "Not begun"}
    for one in store.list():
        found = store.get(one.round_id)
        assert (found.name, found.files is not None) == (one.name, one.allocated)
        assert len(history_table(found.events)) == len(found.events) > 0


def test_every_plan_is_read_and_explained(store):
    for one in store.list():
        for record in store.plans(one.round_id):
            saved = read_files(store.plan_files(one.round_id, record.number))
            market = open_market(inputs_of(saved))
            for need_id in (*saved.plan.deployments["need_id"][:2], *saved.plan.unmet["need_id"][:1]):
                assert explain_need(market, saved.plan, need_id)


def test_the_live_plan_has_the_decisions_of_the_time(store):
    (autumn,) = [store.get(one.round_id) for one in store.list() if one.name == "Autumn round"]
    saved, state = read_files(autumn.files), state_of(autumn.events)
    assert state.barred
    market = open_market(inputs_of(saved))
    now = live_supporters(serving(saved.plan), state)
    run = run_inputs(market.inputs, saved.sources, autumn.sources.get("decisions"), as_placed(state, market, now), now)
    accepted = Accepted.of(market, saved.plan)
    live = live_plan(changed_market(market, run.inputs), now, by_hand=state.placements, accepted=accepted)
    assert serving(live) == now
    assert not {*state.barred} & {*now.items()}


def test_every_round_travels_on(store):
    for one in store.list():
        restored = store.import_round(store.export_round(one.round_id))
        original = store.get(one.round_id)
        assert restored.events[:-1] == original.events
        assert (restored.sources, restored.files, restored.plans) == (original.sources, original.files, original.plans)


def inputs_of(saved: SavedPlan):
    return read_inputs(saved.sources, as_at=saved.as_at, columns=saved.columns)
