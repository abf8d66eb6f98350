"""The graph: the eligible pairs of the contract, groups that compete for too few places, and files others can read."""

import io

import networkx as nx
import pytest
from worlds import GALLERY, Solved, counting, eligible, need, person, pins_of, school, solved, solved_wide, world

from matching.allocation import allocate
from matching.pairs.market import open_market
from matching.plan.graph import (
    bipartite_graph,
    bottleneck,
    components,
    graphml_bytes,
    need_node,
    neighbourhood,
    supporter_node,
)

WITHOUT_DAYS = [*[n for n in GALLERY if n % 4 == 0], 1000, 1003, 1006]


def gallery(number: int) -> Solved:
    return solved_wide(number - 1000) if number >= 1000 else solved(number)


def graph_of(one: Solved) -> nx.Graph:
    return bipartite_graph(open_market(one.inputs), one.plan)


def edges_of(one: Solved) -> set[tuple[str, str]]:
    return set(eligible(one.made)) | set(pins_of(one.made).items())


@pytest.mark.parametrize("number", [*WITHOUT_DAYS, 1001, 1002])
def test_edges_are_the_eligible_pairs_and_the_pins(number):
    one = gallery(number)
    graph = graph_of(one)
    assert {frozenset(edge) for edge in graph.edges} == {
        frozenset((need_node(n), supporter_node(s))) for n, s in edges_of(one)
    }
    chosen = {frozenset(edge[:2]) for edge in graph.edges(data="chosen") if edge[2]}
    assert chosen == {frozenset((need_node(n), supporter_node(s))) for n, s in one.serving.items()}
    assert len(graph) == len(counting(one.made)) + len(one.made.supporters)


@pytest.mark.parametrize("number", WITHOUT_DAYS)
def test_a_bottleneck_breaks_halls_condition(number):
    """Only these people could serve these needs, and they have fewer places than there are needs."""
    one = gallery(number)
    graph, edges = graph_of(one), edges_of(one)
    places = {row["supporter_id"]: int(row["max_deployments"] or 1) for row in one.made.supporters}
    for row in counting(one.made):
        group = bottleneck(graph, row["need_id"])
        if row["need_id"] in one.serving or all(n != row["need_id"] for n, _ in edges):
            assert group is None
            continue
        if group is None:
            # Without pins, a place that could be reached would have been used.
            assert pins_of(one.made)
            continue
        assert row["need_id"] in group.need_ids
        assert {s for n, s in edges if n in group.need_ids} == set(group.supporter_ids)
        assert group.places == sum(places[s] for s in group.supporter_ids) < len(group.need_ids)
        assert list(group.need_ids) == sorted(group.need_ids)
        assert list(group.supporter_ids) == sorted(group.supporter_ids)


@pytest.mark.long
def test_the_gallery_has_bottlenecks():
    found = [
        bottleneck(graph_of(gallery(n)), row["need_id"]) for n in WITHOUT_DAYS for row in counting(gallery(n).made)
    ]
    assert sum(group is not None and len(group.need_ids) > 2 for group in found) > 3


def test_where_only_days_bind_there_is_no_bottleneck():
    made = world([school(1), school(2, 4)], [person("S1", 1, max_deployments="2", days_available="3")],
                 [need("N1", 2, days="2"), need("N2", 2, days="2")])  # fmt: skip
    graph = bipartite_graph(open_market(made.inputs()), made.plan())
    assert [bottleneck(graph, one) for one in ("N1", "N2")] == [None, None]


def test_a_need_and_a_supporter_may_share_an_identifier():
    made = world([school(1), school(2, 4)], [person("A", 1)], [need("A", 2), need("B", 2)])
    graph = bipartite_graph(open_market(made.inputs()), made.plan())
    assert len(graph) == 3
    unmet = next(n for n in ("A", "B") if not graph.nodes[need_node(n)]["met"])
    assert bottleneck(graph, unmet).need_ids == ("A", "B")


@pytest.mark.parametrize("number", [0, 7, 1002])
def test_graphml_reads_back_and_does_not_depend_on_the_order_of_rows(number):
    one = gallery(number)
    graph = graph_of(one)
    content = graphml_bytes(graph)
    read = nx.read_graphml(io.BytesIO(content))
    assert dict(read.nodes(data=True)) == dict(graph.nodes(data=True))
    assert {frozenset(e[:2]): e[2] for e in read.edges(data=True)} == {
        frozenset(e[:2]): e[2] for e in graph.edges(data=True)
    }
    inputs = one.made.inputs(shuffled=1)
    assert graphml_bytes(bipartite_graph(open_market(inputs), allocate(inputs))) == content


def test_parts_are_apart_and_the_largest_is_first():
    graph = graph_of(gallery(1000))
    found = components(graph)
    assert sorted(map(len, found), reverse=True) == list(map(len, found))
    where = {node: k for k, part in enumerate(found) for node in part}
    assert set(where) == set(graph)
    assert all(where[a] == where[b] for a, b in graph.edges)


def test_around_a_need_are_those_who_could_serve_it_and_what_else_they_could():
    one = gallery(1000)
    graph, edges = graph_of(one), edges_of(one)
    asked = max(counting(one.made), key=lambda row: sum(n == row["need_id"] for n, _ in edges))["need_id"]
    who = {s for n, s in edges if n == asked}
    expected = {need_node(asked)} | {supporter_node(s) for s in who} | {need_node(n) for n, s in edges if s in who}
    assert set(neighbourhood(graph, [asked])) == expected
    assert set(neighbourhood(graph, [])) == set()
