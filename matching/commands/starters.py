"""`s2s templates`, `policy` and `criteria`: what a round is begun from."""

from pathlib import Path

import pandas as pd
import typer

from matching.commands.files import check_directory, check_ending, write_one_file, write_table
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
    for source in templates:
        write_one_file(out / source.name, source.content)
    typer.echo(f"{len(templates)} templates written to {out}. Replace the example rows with your own.")


def write_policy(out: Path) -> None:
    """Write the default policy as TOML."""
    check_ending(out, (".toml",))
    write_one_file(out, policy_toml(Policy()))


def write_criteria(out: Path) -> None:
    """Write the accreditation criteria, in their order."""
    check_ending(out)
    write_table(out, pd.DataFrame(reference_rows("criteria"))[_CRITERION_COLUMNS])
