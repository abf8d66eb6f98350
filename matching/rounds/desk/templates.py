"""The words of messages: a subject and a text for each kind, with fields by name that are filled in for each person.

Jinja2 fills them in, in its sandbox. Only fields, and conditions on fields, may stand between the brackets.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.sandbox import SandboxedEnvironment

from matching.errors import did_you_mean, joined, shown
from matching.rounds.history.events import Event, undone_events

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "approach": "Approach: ask the supporter",
        "remind": "Remind: no answer yet",
        "confirm": "Confirm: the support is agreed",
        "tell the school": "Tell the school who supports it",
        "withdraw": "Withdraw: the support does not go ahead",
    }
)
"""Every kind of message, in words for people."""

TO_SCHOOLS = ("tell the school",)
"""The kinds that go to the contact of the school that receives support; the others go to the supporter."""

FIELDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "name": ("whom the message is to; colleagues of a school whose contact has no name", "Ann Ash"),
        "deployments": (
            "the list of the deployments that the message is about, one a line",
            "• maths at Alder School, Fenshire: 2 days, 3.20 km from Birch School, to start by 5 January 2027",
        ),
        "supporter": ("the supporter's name", "Ann Ash"),
        "designation": ("the supporter's designation", "specialist leader of education"),
        "home_school": ("the supporter's own school", "Birch School"),
        "school": ("the school that receives support", "Alder School"),
        "local_authority": ("its local authority", "Fenshire"),
        "focus": ("what the support is about", "maths"),
        "days": ("the days of all these deployments together", "2 days"),
        "distance": ("how far the schools are apart", "3.20 km"),
        "start_by": ("the day by which it must begin", "5 January 2027"),
        "contact": ("the name of the school's contact", "Cy Cole"),
        "contact_email": ("their email address", "cy@example.org"),
        "reply_by": ("the day by which you ask for an answer", "12 December 2026"),
        "note": ("what you write under “A note for these messages”", "The first visit can be online."),
        "coordinator": ("your name", "Jo Fry"),
        "round": ("the name of the round", "Autumn 2026"),
        "today": ("the day of the message", "5 December 2026"),
    }
)
"""Every field: what it is filled in with, and a sample."""

LONGEST_SUBJECT, LONGEST_TEXT = 200, 3_800

_ENDING = "\n\nKind regards,\n{{ coordinator }}\n"


@dataclass(frozen=True)
class Words:
    """The subject and the text of a message, with fields."""

    subject: str
    text: str = field(repr=False)


DEFAULTS: Mapping[str, Words] = MappingProxyType(
    {
        "approach": Words(
            "Could you support {{ school }}?",
            "Dear {{ name }},\n\nCould you give the following support?\n\n{{ deployments }}\n\n"
            "Please reply by {{ reply_by }}. If you cannot do it, please say so, so that I can ask someone else."
            + _ENDING,
        ),
        "remind": Words(
            "Reminder: could you support {{ school }}?",
            "Dear {{ name }},\n\nI asked you about the following support and have not heard from you yet.\n\n"
            "{{ deployments }}\n\nCould you reply by {{ reply_by }}? If you cannot do it, a short no helps too: I can "
            "then ask someone else." + _ENDING,
        ),
        "confirm": Words(
            "Your support for {{ school }}",
            "Dear {{ name }},\n\nThank you for agreeing to give this support:\n\n{{ deployments }}\n\n"
            "Please arrange the first visit with the school, and let me know if anything changes." + _ENDING,
        ),
        "tell the school": Words(
            "Support for {{ school }}",
            "Dear {{ name }},\n\nWe have found support for {{ school }}:\n\n{{ deployments }}\n\n"
            "Please let me know by {{ reply_by }} whether the school agrees to this." + _ENDING,
        ),
        "withdraw": Words(
            "Support for {{ school }} will not go ahead",
            "Dear {{ name }},\n\nThe following support will not go ahead:\n\n{{ deployments }}\n\n"
            "There is nothing you need to do. Thank you for your time." + _ENDING,
        ),
    }
)
"""The words of every kind until a round has words of its own."""


def words_of(events: tuple[Event, ...]) -> dict[str, Words]:
    """Return the words of every kind of message in a round: the last that were saved, or the defaults."""
    found, (undone, _) = dict(DEFAULTS), undone_events(events)
    for one in events:
        if one.kind == "template" and one.number not in undone:
            name = one.about["name"]
            is_default = "text" not in one.about
            found[name] = DEFAULTS[name] if is_default else Words(one.about["subject"], one.about["text"])
    return found


# ---- filling in ----------------------------------------------------------------------------------------------------


class TemplateError(ValueError):
    """The words of a message cannot be used: `column` is subject or text; with what is wrong and what to do."""

    def __init__(self, column: str, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.column, self.message, self.fix = column, message, fix


class BlankFieldError(ValueError):
    """Fields that a message uses are blank for this recipient: `names`."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(", ".join(names))
        self.names = names


# No `{# #}`: what is written there would vanish without a word. Only a template can hold NUL, and no text of an event.
_SANDBOX = SandboxedEnvironment(
    undefined=StrictUndefined,
    autoescape=False,
    trim_blocks=True,
    comment_start_string="\0{",
    comment_end_string="}\0",
)
_PLAIN = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.If, nodes.Not, nodes.And, nodes.Or)
_HOW = "Write a field like this: {{ school }}."
_TOO_DEEP = ("Too many conditions are inside each other.", "Use fewer.")


def check_words(words: Words) -> None:
    """Raise if a message cannot be made from these words: they are blank, or a field is unknown or not closed.

    Raises
    ------
    TemplateError
    """
    for column, written, longest in (
        ("subject", words.subject, LONGEST_SUBJECT),
        ("text", words.text, LONGEST_TEXT),
    ):
        for message, fix in _faults(column, written, longest):
            raise TemplateError(column, message, fix)
    try:
        fill_in(words, {name: sample for name, (_, sample) in FIELDS.items()})
    except BlankFieldError as error:
        message = "Nothing would be written where every field is filled in."
        raise TemplateError("text", message, "Write something that does not depend on a field.") from error


def _faults(column: str, written: str, longest: int) -> Iterator[tuple[str, str]]:
    if not written.strip():
        yield f"The {column} is blank.", "Write it, or restore the default words."
    if len(written) > longest:
        yield f"The {column} has {len(written):,} characters, and the limit is {longest:,}.", "Shorten it."
    if column == "subject" and len(written.splitlines()) > 1:
        yield "The subject has more than one line.", "Write it on one line."
    try:
        parsed = _SANDBOX.parse(written)
    except TemplateSyntaxError as error:
        yield f"The brackets in line {error.lineno} cannot be read.", _HOW
        return
    except RecursionError:
        yield _TOO_DEEP
        return
    yield from _node_faults(parsed)
    try:
        _compiled(written)
    except (SyntaxError, RecursionError, MemoryError):
        yield _TOO_DEEP


def _node_faults(parsed: nodes.Template) -> Iterator[tuple[str, str]]:
    for node in (parsed, *parsed.find_all(nodes.Node)):
        if isinstance(node, nodes.Name) and node.name not in FIELDS:
            known = f"The fields are: {joined(FIELDS)}."
            yield f"{shown(node.name)} is not a field.", did_you_mean(node.name, FIELDS, known)
        elif isinstance(node, nodes.TemplateData) and (one := next((c for c in "{}" if c in node.data), "")):
            yield f"A single {one} would be sent as it is.", _HOW
        elif not isinstance(node, _PLAIN):
            yield f"Line {node.lineno} has more than fields between its brackets.", _HOW


@dataclass
class _Blank:
    """The value of a field that is blank: it may be asked whether it is, and is noted where it would be shown."""

    name: str
    used: list[str] = field(repr=False)

    def __str__(self) -> str:
        self.used.append(self.name)
        return ""

    def __bool__(self) -> bool:
        return False


def fill_in(words: Words, values: Mapping[str, str]) -> Words:
    """Return words with their fields filled in; the subject is on one line.

    Parameters
    ----------
    words : Words
        Sound, as `check_words` finds them.
    values : mapping of str to str
        By field; they are text, and brackets in them stay as they are.

    Raises
    ------
    BlankFieldError
        A field that the words show is blank, or everything is.
    """
    blank: list[str] = []
    filled: dict[str, Any] = {name: values.get(name, "") or _Blank(name, blank) for name in FIELDS}
    subject, text = (_compiled(one).render(filled) for one in (words.subject, words.text))
    if blank or not (subject.strip() and text.strip()):
        raise BlankFieldError(tuple(name for name in FIELDS if name in blank))
    return Words(" ".join(subject.split()), text.strip() + "\n")


def fields_in(words: Words) -> frozenset[str]:
    """Return the fields that sound words use."""
    parsed = [_SANDBOX.parse(one) for one in (words.subject, words.text)]
    return frozenset(node.name for one in parsed for node in one.find_all(nodes.Name))


# A screen fills in the same words for every person, each time that it is drawn.
@lru_cache(maxsize=16)
def _compiled(written: str) -> Template:
    return _SANDBOX.from_string(written)


def blank_in_words(names: tuple[str, ...]) -> str:
    """Return that fields are blank, with what they are: contact (the name of the school's contact) is blank."""
    if not names:
        return "every field is blank"
    verb = "is" if len(names) == 1 else "are"
    return f"{joined(f'{one} ({FIELDS[one][0]})' for one in names)} {verb} blank"
