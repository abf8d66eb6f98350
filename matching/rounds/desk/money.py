"""What the support costs: rates a day by designation, settings of the round on which no plan depends."""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from matching.errors import shown
from matching.tables.vocabulary import standard_vocabulary

Rates = Mapping[str, Decimal]
"""Pounds a day by designation."""

_PENNY = Decimal("0.01")
_AMOUNT = re.compile(r"£?\s*([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,7})(\.[0-9]{1,2})?")
_MOST = Decimal(100_000)


def rates_of(recorded: Mapping[str, str]) -> dict[str, Decimal]:
    """Return the rates that an event records; a designation that it lacks has none.

    Raises
    ------
    ValueError
        With what is wrong and what to do, as sentences, and the designation.
    """
    known = standard_vocabulary().designations
    if unknown := next((one for one in recorded if one not in known), ""):
        fix = f"Known are: {', '.join(known)}."
        raise ValueError(f"{shown(unknown)} is not a known designation.", fix, unknown)
    return {one: amount(recorded[one], one) for one in known if one in recorded}


def amount(written: str, designation: str) -> Decimal:
    """Return pounds as they are written, with pennies or without: 425, 425.50, £1,250.

    Raises
    ------
    ValueError
        As `rates_of`.
    """
    found = _AMOUNT.fullmatch(written.strip())
    if written.strip().lstrip("£ ").startswith(("-", "−", "–")):
        raise ValueError(f"{shown(written)} is negative.", "Give 0 where a day costs nothing.", designation)
    if found is None:
        fix = "Give pounds with at most two decimals, such as 425 or 425.50."
        raise ValueError(f"{shown(written)} is not an amount in pounds.", fix, designation)
    pounds = Decimal(found[1].replace(",", "") + (found[2] or ""))
    if pounds > _MOST:
        raise ValueError(f"{shown(written)} is more than {in_pounds(_MOST)} a day.", "Give a lower rate.", designation)
    return pounds


def as_text(rates: Rates) -> dict[str, str]:
    """Return rates as an event records them."""
    return {designation: f"{rate:.2f}" for designation, rate in rates.items()}


def cost(days: Decimal, rate: Decimal | None) -> Decimal | None:
    """Return what days cost, half a penny rounded up; None without a rate."""
    return None if rate is None else (days * rate).quantize(_PENNY, ROUND_HALF_UP)


def in_pounds(pounds: Decimal) -> str:
    """Return an amount as people write it: £1,250.50."""
    return f"£{pounds:,.2f}".removesuffix(".00")
