"""The commands, each with its options and one sentence that says what it does.

The module of a command is loaded only when that command runs, so that no command waits for what another needs.
"""

import gc
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from matching import __version__
from matching.commands.terminal import ANSWER_IS_NO, exit_code_of, print_json
from matching.errors import DataError

# The options that several commands share.
Schools = Annotated[Path, typer.Option(help="Schools table (.csv or .xlsx), or a GIAS extract.")]
Supporters = Annotated[Path, typer.Option(help="Supporters table (.csv or .xlsx).")]
Needs = Annotated[Path, typer.Option(help="Needs table (.csv or .xlsx).")]
SchoolsGiven = Annotated[
    Path | None,
    typer.Option(help="Schools as given to allocate. Give all the tables, or none for the plan's own copies."),
]
SupportersGiven = Annotated[Path | None, typer.Option(help="Supporters as given to allocate.")]
NeedsGiven = Annotated[Path | None, typer.Option(help="Needs as given to allocate.")]
Accreditation = Annotated[Path | None, typer.Option(help="Accreditation evidence (.csv or .xlsx).")]
Decisions = Annotated[Path | None, typer.Option(help="Earlier decisions (.csv or .xlsx).")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="Weights, limits and rules (.toml).")]
Baseline = Annotated[Path | None, typer.Option(help="Directory of an earlier plan, to change as little as possible.")]
Ofsted = Annotated[Path | None, typer.Option(help="Ofsted's management information, to go with a GIAS extract.")]
Links = Annotated[Path | None, typer.Option(help="GIAS links file: old URNs are read as their successors'.")]
Columns = Annotated[Path | None, typer.Option(help="columns.toml: your headers and our columns for them.")]
LeaveOut = Annotated[bool, typer.Option("--leave-out", help="Leave faulty rows out, and list them.")]
AsAt = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Day on which evidence and dates are judged [default: today]."),
]
TimeLimit = Annotated[
    float, typer.Option(min=0.1, help="Longest search, in seconds, where days, packages or limits on schools bind.")
]
PlanDir = Annotated[Path, typer.Argument(help="Directory of a plan.")]
PlanOut = Annotated[Path, typer.Option("--out", help="Directory to write the plan to.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, described in docs/json.md.")]
TableOut = "File to write (.csv or .xlsx, or either with .gz; - is standard output)."

app = typer.Typer(
    name="s2s",
    help="Decide which accredited leader supports which school, with a reason for every choice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line, and exit with its code."""
    try:
        sys.exit(exit_code_of(app))
    finally:
        # The process is about to end: Python need not look for garbage on the way out.
        gc.freeze()


class _WithJson(TyperCommand):
    """A command with `--json`, which then prints the problems of its input as JSON too."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except DataError as error:
            if ctx.params.get("as_json"):
                print_json(self.name or "", problems=error.problems, notices=error.notices)
            raise


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"s2s {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


@app.command()
def schools(
    gias: Annotated[Path, typer.Option(help="GIAS extract: .csv, .csv.gz or .zip as downloaded.")],
    out: Annotated[Path, typer.Option(help=TableOut)],
    ofsted: Ofsted = None,
    links: Annotated[Path | None, typer.Option(help="GIAS links file, to find grades under earlier URNs.")] = None,
    left_out: Annotated[
        Path | None, typer.Option(help=f"The schools left out, each with its reason. {TableOut}")
    ] = None,
    columns: Columns = None,
) -> None:
    """Make a schools table from the official GIAS extract."""
    from matching.commands.schools import make_schools_table

    make_schools_table(gias, ofsted, links, out, left_out, columns)


@app.command(cls=_WithJson)
def check(
    schools: Schools,
    supporters: Supporters,
    needs: Needs,
    accreditation: Accreditation = None,
    decisions: Decisions = None,
    policy: PolicyFile = None,
    ofsted: Ofsted = None,
    links: Links = None,
    columns: Columns = None,
    leave_out: LeaveOut = False,
    as_at: AsAt = None,
    suggest_columns: Annotated[
        Path | None, typer.Option(help="Only write a columns file with what your headers may mean, for --columns.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the tables, and list every problem."""
    from matching.commands.check import check_tables, write_suggested_columns
    from matching.commands.files import supplements, tables_of_round

    tables = tables_of_round(schools, supporters, needs, accreditation, decisions, policy)
    sources = tables | supplements(ofsted, links, columns, leave_out)
    if suggest_columns:
        write_suggested_columns(sources, suggest_columns, as_json=as_json)
    else:
        check_tables(sources, as_at, as_json=as_json)


@app.command()
def allocate(
    schools: Schools,
    supporters: Supporters,
    needs: Needs,
    out: PlanOut,
    accreditation: Accreditation = None,
    decisions: Decisions = None,
    policy: PolicyFile = None,
    baseline: Baseline = None,
    ofsted: Ofsted = None,
    links: Links = None,
    columns: Columns = None,
    leave_out: LeaveOut = False,
    as_at: AsAt = None,
    time_limit: TimeLimit = 60.0,
    require_optimal: Annotated[
        bool,
        typer.Option("--require-optimal", help="Exit with 3 if the plan, which is written, is not proved the best."),
    ] = False,
) -> None:
    """Make the best plan, and write it whole or not at all."""
    from matching.commands.allocate import write_best_plan
    from matching.commands.files import check_directory, supplements, tables_of_round

    check_directory(out)
    tables = tables_of_round(schools, supporters, needs, accreditation, decisions, policy, baseline)
    sources = tables | supplements(ofsted, links, columns, leave_out)
    is_proved = write_best_plan(out, sources, as_at, time_limit)
    if require_optimal and not is_proved:
        raise typer.Exit(ANSWER_IS_NO)


@app.command(cls=_WithJson)
def verify(
    plan_dir: PlanDir,
    schools: SchoolsGiven = None,
    supporters: SupportersGiven = None,
    needs: NeedsGiven = None,
    accreditation: Accreditation = None,
    decisions: Decisions = None,
    policy: PolicyFile = None,
    baseline: Baseline = None,
    ofsted: Ofsted = None,
    links: Links = None,
    columns: Columns = None,
    leave_out: LeaveOut = False,
    time_limit: TimeLimit = 60.0,
    as_json: Json = False,
) -> None:
    """Check every rule, number and reason of a plan and its proof, independently of the solver."""
    from matching.commands.files import supplements, tables_of_round
    from matching.commands.verify import verify_plan

    tables = tables_of_round(schools, supporters, needs, accreditation, decisions, policy, baseline)
    sources = tables | supplements(ofsted, links, columns, leave_out)
    verify_plan(plan_dir, sources, time_limit, as_json=as_json)


@app.command(cls=_WithJson)
def explain(
    plan_dir: PlanDir,
    need: Annotated[str | None, typer.Option(help="Identifier of the need.")] = None,
    supporter: Annotated[str | None, typer.Option(help="Identifier of a supporter: why not this person?")] = None,
    every: Annotated[bool, typer.Option("--all", help="Explain every need, as a table with a row for each.")] = False,
    out: Annotated[Path, typer.Option(help=f"With --all: {TableOut[0].lower()}{TableOut[1:]}")] = Path("-"),
    as_json: Json = False,
) -> None:
    """Explain why a need has its supporter, who else is eligible, and why not a person you name."""
    from matching.commands.explain import explain_every_need, explain_plan

    if every:
        explain_every_need(plan_dir, need, supporter, out, as_json=as_json)
    else:
        explain_plan(plan_dir, need, supporter, out, as_json=as_json)


@app.command(cls=_WithJson)
def triage(
    out: Annotated[Path, typer.Option(help="Directory to write triage.csv and needs.csv to.")],
    gias: Annotated[Path | None, typer.Option(help="GIAS extract; give this or --schools.")] = None,
    schools: Annotated[Path | None, typer.Option(help="Schools table, as written by s2s schools.")] = None,
    ofsted: Ofsted = None,
    links: Links = None,
    attainment: Annotated[Path | None, typer.Option(help="Performance table: URN and P8MEA, PTRWM_EXP …")] = None,
    columns: Columns = None,
    local_authority: Annotated[
        list[str] | None, typer.Option(help="Only schools of this local authority; repeat it for several.")
    ] = None,
    region: Annotated[
        list[str] | None, typer.Option(help="Only schools of this region; repeat it for several.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a needs.csv that was edited.")] = False,
    as_at: AsAt = None,
    as_json: Json = False,
) -> None:
    """List schools in challenging circumstances, each with its reason, and propose their needs."""
    from matching.commands.triage import list_schools

    paths = {
        "gias": gias,
        "schools": schools,
        "ofsted": ofsted,
        "links": links,
        "attainment": attainment,
        "columns": columns,
    }
    places = {"local_authority": local_authority or [], "region": region or []}
    list_schools(paths, places, as_at, out, replace=replace, as_json=as_json)


@app.command(cls=_WithJson)
def accreditation(
    schools: Schools,
    schools_new: Annotated[Path, typer.Option(help="The schools as they are now, or a newer GIAS extract.")],
    supporters: Supporters,
    accreditation: Annotated[Path, typer.Option(help="Accreditation evidence (.csv or .xlsx).")],
    ofsted: Ofsted = None,
    ofsted_new: Annotated[Path | None, typer.Option(help="Ofsted's file to go with the newer GIAS extract.")] = None,
    links: Links = None,
    columns: Columns = None,
    plan: Annotated[Path | None, typer.Option(help="Directory of a plan: list the deployments affected.")] = None,
    as_at: AsAt = None,
    as_json: Json = False,
) -> None:
    """List supporters who gain or lose accreditation when school grades change."""
    from matching.commands.accreditation import list_changes

    people = {"supporters": supporters, "accreditation": accreditation, "columns": columns}
    before = {"schools": schools, "ofsted": ofsted, "links": links, **people}
    list_changes(before, {"schools": schools_new, "ofsted": ofsted_new}, plan, as_at, as_json=as_json)


@app.command(cls=_WithJson)
def compare(
    before: Annotated[Path, typer.Argument(help="Directory of the earlier plan.")],
    after: Annotated[Path, typer.Argument(help="Directory of the later plan.")],
    out: Annotated[Path | None, typer.Option(help=f"The needs served differently. {TableOut}")] = None,
    as_json: Json = False,
) -> None:
    """Compare two plans: levels, needs gained and lost, and who moved."""
    from matching.commands.compare import compare_plans

    compare_plans(before, after, out, as_json=as_json)


@app.command(cls=_WithJson)
def today(
    round_file: Annotated[Path, typer.Argument(help="A round that was saved as a file in the browser app.")],
    as_at: AsAt = None,
    by: Annotated[str | None, typer.Option(help="Only deployments whose last entry this person made.")] = None,
    as_json: Json = False,
) -> None:
    """List what there is to do in a round today: whom to approach, remind or ask next."""
    from matching.commands.today import list_today

    list_today(round_file, as_at, by, as_json=as_json)


@app.command()
def simulate(
    schools: Schools,
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
    plan_dir: PlanDir,
    out: Annotated[Path, typer.Option(help="File to write (.graphml or .graphml.gz; - is standard output).")],
    need: Annotated[str | None, typer.Option(help="Only the neighbourhood of this need.")] = None,
) -> None:
    """Write the bipartite graph of supporters and needs as GraphML, for Gephi or yEd."""
    from matching.commands.graph import write_graph

    write_graph(plan_dir, out, need)


@app.command()
def demo(out: PlanOut = Path("demo-plan"), as_at: AsAt = None) -> None:
    """Make the best plan of the fictional area that comes with the program."""
    from matching.commands.allocate import write_best_plan
    from matching.commands.files import check_directory
    from matching.inputs.bundled import demo_sources

    check_directory(out)
    write_best_plan(out, demo_sources(), as_at, 60.0)


@app.command()
def export(
    plan_dir: PlanDir,
    out: Annotated[Path, typer.Option(help="Directory to write the workbook, documents and letters to.")],
    name: Annotated[str | None, typer.Option(help="Name of the round [default: that of the plan's directory].")] = None,
    remarks: Annotated[bool, typer.Option("--remarks", help="Include the remarks of decisions.")] = False,
    as_at: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Date of documents and letters [default: today].")
    ] = None,
) -> None:
    """Write what is handed over: an Excel workbook, documents to print, letters, and tables without names."""
    from matching.commands.export import export_plan

    export_plan(plan_dir, out, name or plan_dir.resolve().name, as_at, with_remarks=remarks)


@app.command()
def templates(out: Annotated[Path, typer.Option(help="Directory to write the tables to.")]) -> None:
    """Write a blank table of each kind, with an example row, and the default policy."""
    from matching.commands.starters import write_templates

    write_templates(out)


@app.command()
def policy(
    out: Annotated[Path, typer.Option(help="File to write (.toml or .toml.gz; - is standard output).")] = Path("-"),
) -> None:
    """Write the default policy, with every key, as TOML."""
    from matching.commands.starters import write_policy

    write_policy(out)


@app.command()
def criteria(out: Annotated[Path, typer.Option(help=TableOut)] = Path("-")) -> None:
    """Write the accreditation criteria as a table: code, designation, wording."""
    from matching.commands.starters import write_criteria

    write_criteria(out)


@app.command("app")
def browser_app(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the local address.")] = 8501,
    demo: Annotated[bool, typer.Option(help="Open the demo area.")] = False,
    open_browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser window.")] = True,
) -> None:
    """Open the browser app on this machine."""
    from matching.ui.app.server import serve

    serve(port=port, demo=demo, open_browser=open_browser)
