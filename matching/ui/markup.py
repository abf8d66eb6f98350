"""Pieces of HTML for the screens. Whatever comes from a table is escaped here, so that it is shown as text."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

TAG_COLOURS = ("blue", "green", "red", "grey", "yellow")


def paragraph(*sentences: str, quiet: bool = False) -> str:
    """Sentences as one paragraph; a quiet one is smaller."""
    return f'<p class="s2s-text{" s2s-quiet" if quiet else ""}">{escape(" ".join(sentences))}</p>'


def lead(words: str) -> str:
    """What a screen is for, under its title."""
    return f'<p class="s2s-lead">{escape(words)}</p>'


def heading(words: str, level: int = 3) -> str:
    """A heading that holds words of a table."""
    return f'<h{level} class="s2s-heading">{escape(words)}</h{level}>'


def sentences(lines: Iterable[str]) -> str:
    """Paragraphs; lines that begin with a dash become a list."""
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
    """A list."""
    return f'<ul class="s2s-list">{"".join(f"<li>{escape(line)}</li>" for line in lines)}</ul>'


def tag(words: str, colour: str) -> str:
    """A state in a coloured box; `colour` is one of `TAG_COLOURS`."""
    return f'<strong class="s2s-tag s2s-tag-{colour}">{escape(words)}</strong>'


def figures(items: Iterable[tuple[str, str, str]]) -> str:
    """Headline figures in a row: each a label, the figure and a line under it."""
    cells = "".join(
        f'<div class="s2s-figure"><dt>{escape(label)}</dt><dd><span class="s2s-number">{escape(figure)}</span>'
        f'<span class="s2s-under">{escape(under)}</span></dd></div>'
        for label, figure, under in items
    )
    return f'<dl class="s2s-figures">{cells}</dl>'


def banner(title: str, lines: Sequence[str] = (), *, kind: str = "note") -> str:
    """A framed message; `kind` is note, good or warning."""
    body = "".join(paragraph(line) for line in lines)
    return f'<div class="s2s-banner s2s-{kind}"><p class="s2s-banner-title">{escape(title)}</p>{body}</div>'


def error_summary(title: str, lines: Sequence[str], *, link: str = "") -> str:
    """The red summary at the top of a screen; each line leads to `link`, an id on the screen, where one is given."""
    items = "".join(
        f'<li><a href="#{link}">{escape(line)}</a></li>' if link else f"<li>{escape(line)}</li>" for line in lines
    )
    return (
        '<div class="s2s-errors" id="error-summary" role="alert" tabindex="-1">'
        f'<h2>{escape(title)}</h2><ul class="s2s-list">{items}</ul></div>'
    )


def shares(parts: Iterable[tuple[str, float, str]]) -> str:
    """Parts of a whole as one bar with the figures under it: each a label, its share and its colour."""
    listed = list(parts)
    bar = "".join(f'<span style="width:{100 * share:.2f}%;background:{colour}"></span>' for _, share, colour in listed)
    words = ", ".join(f"{label.lower()} {share:.0%}" for label, share, _ in listed)
    return f'<div class="s2s-share" aria-hidden="true">{bar}</div>{paragraph(f"Of the score: {words}.")}'


def table(
    frame: pd.DataFrame, caption: str, *, numeric: Collection[str] = (), tags: Mapping[str, str] | None = None
) -> str:
    """A real table, for reading and printing.

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

    def cell(column: str, value: Any) -> str:
        text = "" if value is None else str(value)
        shown = tag(text, tags[text]) if tags and text in tags else escape(text)
        return f'<td class="{"s2s-right" if column in numeric else ""}">{shown}</td>'

    columns = [str(column) for column in frame.columns]
    head = "".join(
        f'<th scope="col" class="{"s2s-right" if name in numeric else ""}">{escape(name)}</th>' for name in columns
    )
    rows = "".join(
        f"<tr>{''.join(cell(name, value) for name, value in zip(columns, row, strict=True))}</tr>"
        for row in frame.itertuples(index=False, name=None)
    )
    return (
        f'<div class="s2s-scroll" role="region" tabindex="0" aria-label="{escape(caption, quote=True)}">'
        f'<table class="s2s-table"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
