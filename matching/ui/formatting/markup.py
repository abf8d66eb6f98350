"""Pieces of HTML for the screens. Words from tables and users are escaped here, so that they are shown as text."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

TAG_COLOURS = ("blue", "green", "red", "grey", "yellow")
_MARKDOWN = re.compile(r"[\\`*_\[\]~:$<>&#|]")


def label(words: str) -> str:
    """Return words escaped for a label or a caption, which Streamlit reads as Markdown."""
    return _MARKDOWN.sub(r"\\\g<0>", words)


def paragraph(*sentences: str, quiet: bool = False) -> str:
    """Return sentences as one paragraph; a quiet one is smaller."""
    return f'<p class="s2s-text{" s2s-quiet" if quiet else ""}">{escape(" ".join(sentences))}</p>'


def term(word: str, about: str) -> str:
    """Return a word in bold, and what it is about."""
    return f'<p class="s2s-text s2s-term"><strong>{escape(word)}.</strong> {escape(about)}</p>'


def page_heading(title: str, lead: str, caption: str = "") -> str:
    """Return the title of a screen, under the name of the open round, with a sentence or two on its purpose."""
    over = f'<span class="s2s-caption">{escape(caption)}</span>' if caption else ""
    return f'<div class="s2s-page">{over}<h1>{escape(title)}</h1><p class="s2s-lead">{escape(lead)}</p></div>'


def heading(words: str, level: int = 3) -> str:
    """Return a heading that may hold words from a table."""
    return f'<h{level} class="s2s-heading">{escape(words)}</h{level}>'


def sentences(lines: Iterable[str]) -> str:
    """Return paragraphs; lines that begin with a dash become a list."""
    parts: list[str] = []
    for line in lines:
        if line.startswith("- "):
            item = f"<li>{escape(line[2:])}</li>"
            if parts and parts[-1].endswith("</ul>"):
                parts[-1] = parts[-1].removesuffix("</ul>") + item + "</ul>"
            else:
                parts.append(f'<ul class="s2s-list">{item}</ul>')
        else:
            parts.append(paragraph(line))
    return "".join(parts)


def bullets(lines: Iterable[str]) -> str:
    """Return a bulleted list."""
    return f'<ul class="s2s-list">{"".join(f"<li>{escape(line)}</li>" for line in lines)}</ul>'


def numbered(lines: Iterable[str]) -> str:
    """Return a numbered list."""
    return f'<ol class="s2s-list">{"".join(f"<li>{escape(line)}</li>" for line in lines)}</ol>'


def tag(words: str, colour: str) -> str:
    """Return words in a coloured box; `colour` is one of `TAG_COLOURS`."""
    return f'<strong class="s2s-tag s2s-tag-{colour}">{escape(words)}</strong>'


def figures(items: Iterable[tuple[str, str, str]]) -> str:
    """Return headline figures in a row: each a label, the figure and a line under it."""
    cells = "".join(
        f'<div class="s2s-figure"><dt>{escape(label)}</dt><dd><span class="s2s-number">{escape(figure)}</span>'
        f'<span class="s2s-under">{escape(under)}</span></dd></div>'
        for label, figure, under in items
    )
    return f'<dl class="s2s-figures">{cells}</dl>'


def fault(words: str) -> str:
    """Return what is wrong with the field above it."""
    return f'<p class="s2s-fault" role="alert">{escape(words)}</p>'


def banner(title: str, lines: Sequence[str] = (), *, kind: str = "note") -> str:
    """Return a framed message; `kind` is note, good or warning."""
    body = "".join(paragraph(line) for line in lines)
    return f'<div class="s2s-banner s2s-{kind}"><p class="s2s-banner-title">{escape(title)}</p>{body}</div>'


def error_summary(title: str, lines: Sequence[str], *, link: str = "") -> str:
    """Return the red summary at the top of a screen; each line links to `link`, an id on the screen, if given."""
    items = "".join(
        f'<li><a href="#{link}">{escape(line)}</a></li>' if link else f"<li>{escape(line)}</li>" for line in lines
    )
    return (
        '<div class="s2s-errors" id="error-summary" role="alert" tabindex="-1">'
        f'<h2>{escape(title)}</h2><ul class="s2s-list">{items}</ul></div>'
    )


def shares(parts: Iterable[tuple[str, float, str]]) -> str:
    """Return the shares of a score as one bar with the figures under it: each a label, its share and its colour."""
    listed = list(parts)
    bar = "".join(f'<span style="width:{100 * share:.2f}%;background:{colour}"></span>' for _, share, colour in listed)
    words = ", ".join(
        f'<span class="s2s-part"><span class="s2s-key" style="background:{colour}"></span>'
        f"{escape(label.lower())} {share:.0%}</span>"
        for label, share, colour in listed
    )
    return f'<div class="s2s-share" aria-hidden="true">{bar}</div><p class="s2s-text">Of the score: {words}.</p>'


def table(
    frame: pd.DataFrame, caption: str, *, numeric: Collection[str] = (), tags: Mapping[str, str] | None = None
) -> str:
    """Return a real table, for reading and printing.

    Parameters
    ----------
    frame : DataFrame
        Columns as they are to be headed; cells are shown as they are.
    caption : str
        What the table is, also for those who cannot see it.
    numeric : collection of str
        Columns that are aligned to the right.
    tags : mapping of str to str, optional
        Colours of cells that are shown as a tag, by their text.
    """

    def right(column: str) -> str:
        return ' class="s2s-right"' if column in numeric else ""

    def cell(column: str, value: Any) -> str:
        text = "" if value is None else str(value)
        shown = tag(text, tags[text]) if tags and text in tags else escape(text)
        return f'<td role="cell"{right(column)} data-column="{escape(column, quote=True)}">{shown}</td>'

    columns = [str(column) for column in frame.columns]
    head = "".join(f'<th scope="col" role="columnheader"{right(name)}>{escape(name)}</th>' for name in columns)
    rows = "".join(
        f'<tr role="row">{"".join(cell(name, value) for name, value in zip(columns, row, strict=True))}</tr>'
        for row in frame.itertuples(index=False, name=None)
    )
    return (
        f'<div class="s2s-scroll" role="region" tabindex="0" aria-label="{escape(caption, quote=True)}">'
        # On a phone the rows of a wide table are shown as blocks; the roles keep them rows for screen readers.
        f'<table role="table" class="s2s-table{" s2s-wide" if len(columns) > 2 else ""}">'
        f"<caption>{escape(caption)}</caption>"
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead><tbody role="rowgroup">{rows}</tbody></table></div>'
    )
