"""The bipartite graph of supporters and needs: its connected components, bottlenecks, pictures and export."""

import io
from collections.abc import Iterable
from dataclasses import dataclass

import networkx as nx

from matching.errors import DataError, Problem
from matching.pairs.market import Market
from matching.plan.write import Plan
from matching.tables.grid import rounded_km

# No viewer opens a GraphML file of more pairs than this, and the graph would fill the memory.
MOST_PAIRS = 1_000_000


@dataclass(frozen=True)
class Bottleneck:
    """A group of needs for which only these supporters are eligible, who have too few places for all of them.

    `need_ids` and `supporter_ids` are in order; `places` is what the supporters offer together.
    """

    need_ids: tuple[str, ...]
    supporter_ids: tuple[str, ...]
    places: int


def need_node(need_id: str) -> str:
    """Return the node of a need; a need and a supporter may share an identifier."""
    return f"need:{need_id}"


def supporter_node(supporter_id: str) -> str:
    """Return the node of a supporter."""
    return f"supporter:{supporter_id}"


def bipartite_graph(market: Market, plan: Plan) -> nx.Graph:
    """Return the graph of every need, every supporter and every eligible pair.

    Nodes carry `bipartite` (0 supporter, 1 need), `kind` and `label`, supporters also `designation` and `places`, needs
    also `priority` and `met`; edges carry `score`, `distance_km` and `chosen`. A pinned deployment is an edge even
    where it breaks a rule.

    Raises
    ------
    DataError
        There are more than `MOST_PAIRS` eligible pairs.
    """
    pairs = market.pairs
    if len(pairs) > MOST_PAIRS:
        message = f"There are {len(pairs):,} eligible pairs, and a graph can hold at most {MOST_PAIRS:,}."
        raise DataError([Problem("graph", None, "", "", message, "Make a plan for one area or one phase at a time.")])
    inputs = market.inputs
    graph = nx.Graph()
    for one in inputs.supporters.to_dict("records"):
        graph.add_node(
            supporter_node(one["supporter_id"]),
            bipartite=0,
            kind="supporter",
            label=one["name"],
            designation=one["designation"],
            places=one["max_deployments"],
        )
    met = set(plan.deployments["need_id"])
    school = inputs.schools["name"].to_numpy()[market.rulebook.need_school]
    for one, name in zip(inputs.needs.to_dict("records"), school, strict=True):
        graph.add_node(
            need_node(one["need_id"]),
            bipartite=1,
            kind="need",
            label=f"{one['focus']}, {name}",
            priority=one["priority"],
            met=one["need_id"] in met,
        )
    need_ids = inputs.needs["need_id"].to_numpy()[pairs.need].tolist()
    supporter_ids = inputs.supporters["supporter_id"].to_numpy()[pairs.supporter].tolist()
    for need_id, supporter_id, score, km in zip(
        need_ids, supporter_ids, pairs.score_milli.tolist(), rounded_km(pairs.distance_km).tolist(), strict=True
    ):
        graph.add_edge(
            supporter_node(supporter_id), need_node(need_id), score=score / 1000, distance_km=km, chosen=False
        )
    for one in plan.deployments.to_dict("records"):
        graph.add_edge(
            supporter_node(one["supporter_id"]),
            need_node(one["need_id"]),
            score=float(one["score"]),
            distance_km=float(one["distance_km"]),
            chosen=True,
        )
    return graph


def components(graph: nx.Graph) -> list[set[str]]:
    """Return the connected components, the largest first: what happens in one cannot affect another."""
    return sorted(nx.connected_components(graph), key=lambda nodes: (-len(nodes), min(nodes)))


def neighbourhood(graph: nx.Graph, need_ids: Iterable[str], *, steps: int = 2) -> nx.Graph:
    """Return the graph within a number of steps of some needs; 2 steps reach their supporters' other needs."""
    near: set[str] = set()
    for need_id in need_ids:
        near |= set(nx.single_source_shortest_path_length(graph, need_node(need_id), cutoff=steps))
    return graph.subgraph(near).copy()


def bottleneck(graph: nx.Graph, need_id: str) -> Bottleneck | None:
    """Return the group of needs that compete with an unmet need for too few places.

    None where the need is met, where no one is eligible, or where a supporter of the group has a place left, so that
    places are not the reason.

    Notes
    -----
    The group is what alternating paths reach: from a need to every eligible supporter, from a supporter to the needs
    that they serve. Where all of its supporters are full, no one else is eligible for its needs, and there is at least
    one more of them than places: Hall's condition fails on this group.
    """
    start = need_node(need_id)
    if graph.nodes[start]["met"] or not graph.degree(start):
        return None
    reached, waiting = {start}, [start]
    while waiting:
        node = waiting.pop()
        is_need = graph.nodes[node]["bipartite"] == 1
        found = {other for other, edge in graph[node].items() if is_need or edge["chosen"]} - reached
        reached |= found
        waiting.extend(found)
    supporters = sorted(node for node in reached if graph.nodes[node]["bipartite"] == 0)
    needs = sorted(node for node in reached if graph.nodes[node]["bipartite"] == 1)
    places = sum(graph.nodes[node]["places"] for node in supporters)
    if places >= len(needs):
        return None
    return Bottleneck(tuple(_identifier(node) for node in needs), tuple(map(_identifier, supporters)), places)


def graphml_bytes(graph: nx.Graph) -> bytes:
    """Return the graph as GraphML, for Gephi or yEd; equal graphs give equal bytes."""
    ordered = nx.Graph()
    ordered.add_nodes_from(sorted(graph.nodes(data=True)))
    ordered.add_edges_from(sorted((*sorted((one, other)), data) for one, other, data in graph.edges(data=True)))
    packed = io.BytesIO()
    nx.write_graphml_xml(ordered, packed)
    return packed.getvalue()


def _identifier(node: str) -> str:
    return node.partition(":")[2]
