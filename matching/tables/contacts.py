"""How to reach people, and who pays: columns that no run reads and no plan keeps."""

import re
from collections.abc import Callable, Mapping, Sequence

from email_validator import EmailNotValidError, validate_email

from matching.errors import shown
from matching.tables.cell_values import CellError, text

_ADDRESS = re.compile(r"[^\s<>,;:/()\"]+@[^\s<>,;:/()\"]+")
_SCIENTIFIC = re.compile(r"[0-9]([.,][0-9]+)?E\+?[0-9]+", re.IGNORECASE)
_FEWEST_DIGITS = 3


def email(value: str) -> str:
    """Return an email address as it is written; no name server is asked whether it exists."""
    try:
        validate_email(value, check_deliverability=False)
    except EmailNotValidError as error:
        found = [one.rstrip(".") for one in _ADDRESS.findall(value)]
        offers = [one for one in dict.fromkeys(found) if one != value and _is_sound(one)]
        fix = f"Give one address, such as {_either(offers)}." if offers else "Give one address, such as jo@example.org."
        # Without the words of the cell: the place of the cell is enough, and an address belongs in no log.
        raise CellError(f"This is not an email address. {error}", fix, offers=offers, word=value) from error
    return value


def _is_sound(value: str) -> bool:
    try:
        validate_email(value, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def _either(offers: Sequence[str]) -> str:
    return " or ".join(map(shown, offers))


def phone(value: str) -> str:
    """Return a telephone number as it is written, with any words about it: people read it, and no program dials it."""
    if sum(one.isdigit() for one in value) < _FEWEST_DIGITS or _SCIENTIFIC.fullmatch(value):
        fix = "Give a number in digits, such as 020 7946 0018 ext 12."
        raise CellError("This is not a telephone number.", fix, word=value)
    return text(value)


CONTACTS: Mapping[str, Mapping[str, tuple[Callable[[str], str], str]]] = {
    "schools": {
        "contact_name": (text, "whom to write to at the school"),
        "contact_email": (email, "their email address"),
        "contact_phone": (phone, "their telephone number"),
    },
    "supporters": {
        "email": (email, "email address"),
        "phone": (phone, "telephone number"),
    },
    "needs": {
        "contact_name": (text, "whom to write to about this need, blank: the school's contact"),
        "contact_email": (email, "their email address"),
    },
}
"""The contact columns by table and name: what a cell may hold, and what belongs in it."""

UNREAD: Mapping[str, Mapping[str, tuple[Callable[[str], str], str]]] = {
    **CONTACTS,
    "needs": {**CONTACTS["needs"], "fund": (text, "fund or budget that pays for the support")},
}
"""Every column that no run reads, in the same form: contacts, and the fund of a need."""

UNREAD_COLUMNS = frozenset(name for columns in UNREAD.values() for name in columns)
"""The names of all of them."""
