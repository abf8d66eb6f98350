"""`s2s templates`, `policy` and `criteria`: what a round begins with."""

from pathlib import Path

import pandas as pd
import typer

from matching.commands.files import STANDARD_OUTPUT, check_directory, check_ending, table_bytes, write_all
from matching.errors import DataError, file_problem
from matching.inputs.bundled import template_sources
from matching.tables.policy import Policy, policy_toml
from matching.tables.reference import reference_rows

_CRITERION_COLUMNS = ["criterion", "designation", "about", "wording"]


def write_templates(out: Path) -> None:
    """Write the templates into a directory; a file that is there already is never replaced, since it may be filled in.

    Raises
    ------
    DataError
        A file has the name of a template, or cannot be written.
    """
    check_directory(out, mark=None)
    templates = template_sources().values()
    there = [source.name for source in templates if (out / source.name).exists()]
    if there:
        raise DataError(
            file_problem(str(out / name), "This file is there already.", "Name a new directory.") for name in there
        )
    write_all({out / source.name: source.content for source in templates})
    typer.echo(f"{len(templates)} templates written to {out}. Replace the example rows with your own.")


def write_policy(out: Path) -> None:
    """Write the default policy as TOML."""
    check_ending(out, (".toml",))
    write_all({out: policy_toml(Policy())})
    if out != STANDARD_OUTPUT:
        typer.echo(f"The default policy is written to {out}.")


def write_criteria(out: Path) -> None:
    """Write the accreditation criteria, in their order."""
    check_ending(out)
    criteria = pd.DataFrame(reference_rows("criteria"))[_CRITERION_COLUMNS]
    write_all({out: table_bytes(out, criteria)})
    if out != STANDARD_OUTPUT:
        typer.echo(f"{len(criteria)} criteria are written to {out}.")
