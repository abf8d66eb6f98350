"""`s2s schools`: a schools table from the official extract."""

from pathlib import Path

from matching.commands.files import STANDARD_OUTPUT, check_ending, place, say, table_bytes, write_all
from matching.commands.terminal import print_notices
from matching.errors import DataError, file_problem
from matching.inputs.headers import read_options
from matching.inputs.official.exclusions import left_out_counts
from matching.inputs.official.gias import read_official
from matching.library.frames import sources_of
from matching.tables.csv_out import spreadsheet_safe
from matching.tables.table_reader import schools_as_text
from matching.tables.vocabulary import standard_vocabulary


def make_schools_table(
    gias: Path,
    ofsted: Path | None,
    links: Path | None,
    out: Path,
    left_out: Path | None = None,
    columns: Path | None = None,
) -> None:
    """Write the open schools of a GIAS extract, and print how many were left out and why.

    Parameters
    ----------
    left_out : Path, optional
        File for those left out, each with its reason.
    columns : Path, optional
        Where the table is in each of the files.

    Raises
    ------
    DataError
        The files cannot be used, or a table cannot be written.
    """
    check_ending(out)
    if left_out is not None:
        check_ending(left_out, option="--left-out")
        if left_out == out:
            fix = "Give each a file of its own."
            raise DataError([file_problem("--left-out", "Both tables would be written to one file.", fix)])
    sources = sources_of({"gias": gias, "ofsted": ofsted, "links": links, "columns": columns})
    official = read_official(
        sources["gias"],
        standard_vocabulary(),
        ofsted=sources.get("ofsted"),
        links=sources.get("links"),
        where=read_options(sources.get("columns")).where_official,
    )
    files = {out: table_bytes(out, schools_as_text(official.table.frame))}
    if left_out is not None:
        files[left_out] = table_bytes(left_out, official.left_out.map(spreadsheet_safe))
    write_all(files)
    # One of the tables may be on standard output.
    spoken = STANDARD_OUTPUT if STANDARD_OUTPUT in (out, left_out) else out
    say(f"{len(official.table.frame):,} schools written to {place(out)}.", spoken)
    for row in left_out_counts(official.left_out).itertuples():
        say(f"{row.count:,} left out: {row.reason}.", spoken)
    if left_out is not None:
        say(f"Those left out are listed in {place(left_out)}.", spoken)
    print_notices(official.notices[1:], err=spoken == STANDARD_OUTPUT)
