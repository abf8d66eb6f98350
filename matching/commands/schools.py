"""`s2s schools`: a schools table from the official extract."""

from pathlib import Path

from matching.commands.files import STANDARD_OUTPUT, check_ending, opened, say, write_table
from matching.commands.terminal import print_notices
from matching.inputs.official.exclusions import left_out_counts
from matching.inputs.official.gias import read_official
from matching.tables.table_reader import schools_as_text
from matching.tables.vocabulary import standard_vocabulary

SCHOOL_NUMBERS = ("easting", "northing", "pupils", "fsm_percent")


def make_schools_table(gias: Path, ofsted: Path | None, links: Path | None, out: Path) -> None:
    """Write the open schools of a GIAS extract, and print how many were left out and why."""
    check_ending(out)
    sources = opened({"gias": gias, "ofsted": ofsted, "links": links})
    official = read_official(
        sources["gias"], standard_vocabulary(), ofsted=sources.get("ofsted"), links=sources.get("links")
    )
    write_table(out, schools_as_text(official.table.frame), numbers=SCHOOL_NUMBERS)
    say(f"{len(official.table.frame):,} schools written to {out}.", out)
    for row in left_out_counts(official.left_out).itertuples():
        say(f"{row.count:,} left out: {row.reason}.", out)
    print_notices(official.notices[1:], err=out == STANDARD_OUTPUT)
