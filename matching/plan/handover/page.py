"""The page that every document to print is made of: one HTML file that loads nothing from any network.

It prints on A4 and can be read on a phone; all text is escaped.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

from matching.plan.phrases import day_in_words


@dataclass(frozen=True)
class Approval:
    """Who approved a plan, when, and which version of it."""

    by: str
    on: date
    version: str = ""


@dataclass(frozen=True)
class Occasion:
    """The heading of a letter or a document: the round's name, its date, and the approval where there is one."""

    round_name: str
    as_at: date
    approval: Approval | None = None


@dataclass(frozen=True)
class Group:
    """Rows of a table under a heading of their own; an empty heading is not shown."""

    heading: str
    rows: Sequence[Sequence[str]]


def section(heading: str, body: str, kind: str = "") -> str:
    """Return a section; `kind` is a class of the style sheet."""
    chosen = f' class="{kind}"' if kind else ""
    return f"<section{chosen}><h2>{escape(heading)}</h2>{body}</section>\n"


def paragraph(words: str) -> str:
    """Return a paragraph."""
    return f"<p>{escape(words)}</p>"


def definitions(items: Iterable[tuple[str, str]]) -> str:
    """Return terms, each with its words; a term without words has a line to write on."""
    listed = (
        f"<div><dt>{escape(term)}</dt><dd>{escape(words)}</dd></div>"
        if words
        else f'<div><dt>{escape(term)}</dt><dd class="line">{_TO_WRITE}</dd></div>'
        for term, words in items
    )
    return f"<dl>{''.join(listed)}</dl>"


def lines(count: int) -> str:
    """Return lines to write on."""
    return f'<p class="line">{_TO_WRITE}</p>' * count


# For screen readers, to which a line says nothing.
_TO_WRITE = "<span>to be filled in by hand</span>"


_NUMBERS = ("Days", "Km", "Places", "Days offered")


def table(caption: str, columns: Sequence[str], groups: Sequence[Group]) -> str:
    """Return a table whose first column heads its rows; each group stays on one page where it fits."""
    # On a phone the rows are shown as blocks; the roles let screen readers announce them as rows.
    head = "".join(f'<th scope="col" role="columnheader"{_right(name)}>{escape(name)}</th>' for name in columns)
    bodies = []
    for group in groups:
        over = (
            f'<tr role="row" class="group"><th scope="rowgroup" role="rowheader" colspan="{len(columns)}">'
            f"{escape(group.heading)}</th></tr>"
            if group.heading
            else ""
        )
        rows = "".join(f'<tr role="row">{_cells(columns, row)}</tr>' for row in group.rows)
        kept = ' class="together"' if group.heading else ""
        bodies.append(f'<tbody role="rowgroup"{kept}>{over}{rows}</tbody>')
    return (
        f'<table role="table"><caption>{escape(caption)}</caption>'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>{"".join(bodies)}</table>'
    )


def _cells(columns: Sequence[str], row: Sequence[str]) -> str:
    first, *others = (
        f'{_right(name)} data-column="{escape(name, quote=True)}">{escape(cell)}'
        for name, cell in zip(columns, row, strict=True)
    )
    return f'<th scope="row" role="rowheader"{first}</th>' + "".join(f'<td role="cell"{other}</td>' for other in others)


def _right(column: str) -> str:
    return ' class="number"' if column in _NUMBERS else ""


def document(title: str, occasion: Occasion, facts: Iterable[tuple[str, str]], sections: Iterable[str]) -> bytes:
    """Return a document of sections, with facts under its title after the round and the date."""
    stated = [("Round", occasion.round_name), ("Date", day_in_words(occasion.as_at)), *facts]
    if occasion.approval:
        stated.append(("Approved", _approved(occasion.approval)))
    heading = definitions((term, words) for term, words in stated if words)
    page = f"""<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{escape(f"{title}: {occasion.round_name}, {day_in_words(occasion.as_at)}")}</title>
<style>{_STYLE}</style>
</head>
<body>
<header><h1>{escape(title)}</h1>{heading}</header>
<main>
{"".join(sections)}</main>
<footer><p>This document names people. Store it and share it as you would any list of staff.</p></footer>
</body>
</html>
"""
    return page.encode("utf-8")


def _approved(approval: Approval) -> str:
    version = f", version {approval.version}" if approval.version else ""
    return f"by {approval.by} on {day_in_words(approval.on)}{version}"


_STYLE = """
@page { size: A4; margin: 15mm 13mm 17mm;
  @bottom-right { content: "Page " counter(page) " of " counter(pages); font: 8pt Arial, sans-serif; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 75rem; padding: 1rem; font: 16px/1.4 Arial, Helvetica, sans-serif; color: #0b0c0c;
  background: #ffffff; overflow-wrap: break-word; }
h1 { font-size: 2rem; margin: 0 0 .5rem; } h2 { font-size: 1.375rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1.125rem; margin: 1.25rem 0 .25rem; }
dl { display: flex; flex-wrap: wrap; gap: .25rem 2rem; margin: 0; padding: .5rem 0; border-top: 3px solid #0b0c0c; }
dt { font-weight: bold; } dd { margin: 0; }
table { width: 100%; border-collapse: collapse; font-size: .875rem; }
caption { text-align: left; color: #505a5f; padding-bottom: .25rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #b1b4b6; }
tbody th { font-weight: normal; }
.group th { font-weight: bold; background: #f3f2f1; padding-left: .3rem; border-top: 1px solid #505a5f; }
.line { border-bottom: 1px solid #505a5f; height: 2.25rem; margin: 0; }
.line span { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.agreement dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(18rem, 100%), 1fr));
  border-top-width: 1px; }
.agreement dl + dl { border-top: 0; padding-top: 0; }
.agreement p { white-space: pre-line; margin: .25rem 0; }
.number { text-align: right; white-space: nowrap; }
thead th { border-bottom: 2px solid #0b0c0c; }
footer { margin-top: 2rem; border-top: 1px solid #b1b4b6; color: #505a5f; font-size: .875rem; }
@media screen and (max-width: 44rem) {
  table, caption, tbody, tr, th, td { display: block; width: 100%; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody tr { border-bottom: 2px solid #b1b4b6; padding: .4rem 0; }
  tbody tr th, tbody tr td { border: 0; padding: .1rem 0; }
  tbody .number { text-align: left; white-space: normal; }
  tbody tr.group { border: 0; padding: .4rem 0 0; } tbody tr.group th { padding: .3rem; }
  [data-column]::before { content: attr(data-column) ": "; font-weight: bold; }
  td:empty { display: none; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 9.5pt; }
  h1 { font-size: 18pt; } h2 { font-size: 13pt; margin-top: 14pt; } h3 { font-size: 11pt; }
  table, footer { font-size: 8pt; }
  h2, caption, thead, .group { break-after: avoid; page-break-after: avoid; }
  thead { display: table-header-group; }
  .agreement + .agreement { break-before: page; page-break-before: always; }
  tr, .together { break-inside: avoid; page-break-inside: avoid; }
  .group th { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""
