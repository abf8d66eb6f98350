"""The commands, each with its options and one sentence that says what it does.

The module of a command is loaded only when that command runs, so that no command waits for what another needs.
"""

import gc
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from matching.commands import options
from matching.commands.files import supplements, tables_of_round
from matching.commands.terminal import exit_code_of
from matching.plan.directories import check_target
from matching.solve.budget import is_search_left

app = typer.Typer(
    name="s2s",
    help="Decide which accredited leader supports which school, with a reason for every choice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line, and exit with its code."""
    try:
        code = exit_code_of(app)
        if is_search_left():
            # A solver's thread cannot be stopped, and would abort the process while Python shuts down.
            os._exit(code)
        sys.exit(code)
    finally:
        # The process is about to end: Python need not look for garbage on the way out.
        gc.freeze()


@app.command()
def schools(
    gias: Annotated[Path, typer.Option(help="GIAS extract: .csv, .csv.gz or .zip as downloaded.")],
    out: Annotated[Path, typer.Option(help="Schools table to write (.csv).")],
    ofsted: options.Ofsted = None,
    links: Annotated[Path | None, typer.Option(help="GIAS links file, to find grades under earlier URNs.")] = None,
) -> None:
    """Make a schools table from the official GIAS extract."""
    from matching.commands.schools import make_schools_table

    make_schools_table(gias, ofsted, links, out)


@app.command()
def check(
    schools: options.Schools,
    supporters: options.Supporters,
    needs: options.Needs,
    accreditation: options.Accreditation = None,
    decisions: options.Decisions = None,
    policy: options.PolicyFile = None,
    ofsted: options.Ofsted = None,
    links: options.Links = None,
    columns: options.Columns = None,
    leave_out: options.LeaveOut = False,
    as_at: options.AsAt = None,
) -> None:
    """Check the tables, and list every problem."""
    from matching.commands.check import check_tables

    tables = tables_of_round(schools, supporters, needs, accreditation, decisions, policy)
    check_tables(tables | supplements(ofsted, links, columns, leave_out), as_at)


@app.command()
def allocate(
    schools: options.Schools,
    supporters: options.Supporters,
    needs: options.Needs,
    out: options.PlanOut,
    accreditation: options.Accreditation = None,
    decisions: options.Decisions = None,
    policy: options.PolicyFile = None,
    baseline: options.Baseline = None,
    ofsted: options.Ofsted = None,
    links: options.Links = None,
    columns: options.Columns = None,
    leave_out: options.LeaveOut = False,
    as_at: options.AsAt = None,
    time_limit: options.TimeLimit = 60.0,
) -> None:
    """Make the best plan, and write it whole or not at all."""
    from matching.commands.allocate import write_best_plan

    check_target(out)
    tables = tables_of_round(schools, supporters, needs, accreditation, decisions, policy, baseline)
    write_best_plan(out, tables | supplements(ofsted, links, columns, leave_out), as_at, time_limit)


@app.command()
def verify(
    plan_dir: options.PlanDir,
    schools: options.SchoolsGiven = None,
    supporters: options.SupportersGiven = None,
    needs: options.NeedsGiven = None,
    accreditation: options.Accreditation = None,
    decisions: options.Decisions = None,
    policy: options.PolicyFile = None,
    baseline: options.Baseline = None,
    ofsted: options.Ofsted = None,
    links: options.Links = None,
    columns: options.Columns = None,
    leave_out: options.LeaveOut = False,
    time_limit: options.TimeLimit = 60.0,
) -> None:
    """Check every rule, number and reason of a plan and its proof, independently of the solver."""
    from matching.commands.verify import verify_plan

    tables = tables_of_round(schools, supporters, needs, accreditation, decisions, policy, baseline)
    verify_plan(plan_dir, tables | supplements(ofsted, links, columns, leave_out), time_limit)


@app.command()
def explain(
    plan_dir: options.PlanDir,
    need: Annotated[str, typer.Option(help="Identifier of the need.")],
    supporter: Annotated[str | None, typer.Option(help="Identifier of a supporter: why not this person?")] = None,
) -> None:
    """Explain why a need has its supporter, who else is eligible, and why not a person you name."""
    from matching.commands.explain import explain_plan

    explain_plan(plan_dir, need, supporter)


@app.command()
def triage(
    out: Annotated[Path, typer.Option(help="Directory to write triage.csv and needs.csv to.")],
    gias: Annotated[Path | None, typer.Option(help="GIAS extract; give this or --schools.")] = None,
    schools: Annotated[Path | None, typer.Option(help="Schools table, as written by s2s schools.")] = None,
    ofsted: options.Ofsted = None,
    links: options.Links = None,
    attainment: Annotated[Path | None, typer.Option(help="Performance table: URN and P8MEA, PTRWM_EXP …")] = None,
    local_authority: Annotated[str | None, typer.Option(help="Only schools of this local authority.")] = None,
    as_at: options.AsAt = None,
) -> None:
    """List schools in challenging circumstances, each with its reason, and propose their needs."""
    from matching.commands.triage import list_schools

    paths = {"gias": gias, "schools": schools, "ofsted": ofsted, "links": links, "attainment": attainment}
    list_schools(paths, local_authority, as_at, out)


@app.command()
def accreditation(
    schools: options.Schools,
    schools_new: Annotated[Path, typer.Option(help="The schools as they are now, or a newer GIAS extract.")],
    supporters: options.Supporters,
    accreditation: Annotated[Path, typer.Option(help="Accreditation evidence (.csv or .xlsx).")],
    ofsted: options.Ofsted = None,
    ofsted_new: Annotated[Path | None, typer.Option(help="Ofsted's file to go with the newer GIAS extract.")] = None,
    links: options.Links = None,
    plan: Annotated[Path | None, typer.Option(help="Directory of a plan: list the deployments affected.")] = None,
    as_at: options.AsAt = None,
) -> None:
    """List supporters who gain or lose accreditation when school grades change."""
    from matching.commands.accreditation import list_changes

    people = {"supporters": supporters, "accreditation": accreditation}
    before = {"schools": schools, "ofsted": ofsted, "links": links, **people}
    list_changes(before, {"schools": schools_new, "ofsted": ofsted_new}, plan, as_at)


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="Directory of the earlier plan.")],
    after: Annotated[Path, typer.Argument(help="Directory of the later plan.")],
    out: Annotated[Path | None, typer.Option(help="File for the needs served differently (.csv).")] = None,
) -> None:
    """Compare two plans: levels, needs gained and lost, and who moved."""
    from matching.commands.compare import compare_plans

    compare_plans(before, after, out)


@app.command()
def simulate(
    schools: options.Schools,
    supporters: Annotated[int, typer.Option(min=1, help="Number of supporters.")],
    needs: Annotated[int, typer.Option(min=1, help="Number of needs.")],
    out: Annotated[Path, typer.Option(help="Directory to write the tables to.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same tables.")] = 0,
    region: Annotated[str | None, typer.Option(help="Only schools of this region.")] = None,
    days: Annotated[bool, typer.Option(help="Give people and needs numbers of days.")] = True,
) -> None:
    """Make up people and needs at real schools, to try the program at any size."""
    from matching.commands.simulate import write_made_up_tables

    write_made_up_tables(schools, supporters, needs, seed=seed, region=region, with_days=days, out=out)


@app.command()
def graph(
    plan_dir: options.PlanDir,
    out: Annotated[Path, typer.Option(help="File to write (.graphml).")],
    need: Annotated[str | None, typer.Option(help="Only the neighbourhood of this need.")] = None,
) -> None:
    """Write the bipartite graph of supporters and needs as GraphML, for Gephi or yEd."""
    from matching.commands.graph import write_graph

    write_graph(plan_dir, out, need)


@app.command()
def demo(out: options.PlanOut = Path("demo-plan"), as_at: options.AsAt = None) -> None:
    """Make the best plan of the fictional area that comes with the program."""
    from matching.commands.allocate import write_best_plan
    from matching.inputs.bundled import demo_sources

    check_target(out)
    write_best_plan(out, demo_sources(), as_at, 60.0)


@app.command("app")
def browser_app(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the local address.")] = 8501,
    demo: Annotated[bool, typer.Option(help="Open the demo area.")] = False,
    open_browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser window.")] = True,
) -> None:
    """Open the browser app on this machine."""
    from matching.ui.app.server import serve

    serve(port=port, demo=demo, open_browser=open_browser)
