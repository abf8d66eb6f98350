"""`s2s graph`: the bipartite graph of supporters and needs."""

from pathlib import Path

from matching.commands.files import check_ending, inputs_of, place, say, write_all
from matching.errors import counted
from matching.pairs.market import open_market
from matching.plan.graph import bipartite_graph, components, graphml_bytes, neighbourhood
from matching.plan.on_disk import read_directory
from matching.whatif.resolve import position_of_need


def write_graph(plan_dir: Path, out: Path, need: str | None) -> None:
    """Write the graph of a plan as GraphML, or only the neighbourhood of one need."""
    check_ending(out, (".graphml",))
    saved = read_directory(plan_dir)
    market = open_market(inputs_of(saved))
    drawn = bipartite_graph(market, saved.plan)
    if need is not None:
        position_of_need(market.inputs, need)
        drawn = neighbourhood(drawn, [need])
    write_all({out: graphml_bytes(drawn)})
    sizes = [len(component) for component in components(drawn) if len(component) > 1]
    say(
        f"{drawn.number_of_nodes():,} nodes and {drawn.number_of_edges():,} eligible pairs written to {place(out)}: "
        f"{counted(len(sizes), 'connected component')}, "
        f"and {counted(drawn.number_of_nodes() - sum(sizes), 'node')} without an eligible pair.",
        out,
    )
