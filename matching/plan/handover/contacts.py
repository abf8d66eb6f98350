"""Contact details for documents: from the register, because no plan has any, and only where the user asks for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from matching.inputs.inputs import Inputs


@dataclass(frozen=True)
class Contacts:
    """How to reach people, in words: supporters, schools, and needs with a contact of their own, by identifier."""

    people: Mapping[str, str] = field(default_factory=dict, repr=False)
    schools: Mapping[str, str] = field(default_factory=dict, repr=False)
    needs: Mapping[str, str] = field(default_factory=dict, repr=False)

    def of_need(self, need_id: str, urn: str) -> str:
        """Return the contact of a need or, if it has none, of its school."""
        return self.needs.get(need_id) or self.schools.get(urn, "")


NO_CONTACTS = Contacts()
"""What documents hold unless the user asks for more."""


def contacts_of(inputs: Inputs) -> Contacts:
    """Return the contact details in the tables of a register."""
    return Contacts(
        _in_words(inputs.supporters, "supporter_id", "email", "phone"),
        _in_words(inputs.schools, "urn", "contact_name", "contact_email", "contact_phone"),
        _in_words(inputs.all_needs, "need_id", "contact_name", "contact_email"),
    )


def _in_words(table: pd.DataFrame, key: str, *columns: str) -> dict[str, str]:
    rows = table[[key, *columns]].itertuples(index=False, name=None)
    return {one: ", ".join(filter(None, cells)) for one, *cells in rows if any(cells)}
