"""Messages as other programs take them: a link that opens the mail program, drafts as .eml, and rows for mail merge."""

from collections.abc import Iterable, Sequence
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from urllib.parse import quote

import pandas as pd
from email_validator import validate_email

from matching.plan.as_bytes import numbered, zip_bytes
from matching.rounds.desk.messages import Message
from matching.rounds.desk.templates import FIELDS
from matching.tables.csv_out import csv_bytes, spreadsheet_safe

LONGEST_LINK = 1_900
"""The most characters of a link that mail programs take: Windows hands over about 2,000."""

# Contacts and the note are in the message where its words use them.
_COLUMNS = tuple(name for name in FIELDS if name not in ("name", "contact", "contact_email", "note"))
MERGE_COLUMNS = ("name", "email", "subject", "message", *_COLUMNS)
"""The columns of the rows for mail merge."""


def mailto(message: Message) -> str:
    """Return the link that opens a mail program with the message in it (RFC 6068).

    It may be longer than `LONGEST_LINK`, and must not be offered then.
    """
    body = message.text.replace("\n", "\r\n")
    subject, body = (quote(one, safe="") for one in (message.subject, body))
    return f"mailto:{quote(message.email, safe='@')}?subject={subject}&body={body}"


def eml(message: Message) -> bytes:
    """Return one of `addressed` as a file that a mail program opens as a draft; equal messages give equal bytes.

    It has no sender and no date: the mail program adds them.
    """
    draft = EmailMessage(policy.SMTP + policy.strict)
    draft["To"] = Address(message.name, addr_spec=_ascii_address(message.email))
    draft["Subject"] = message.subject
    # Outlook opens it to be sent, and not as one that was received.
    draft["X-Unsent"] = "1"
    draft.set_content(message.text, charset="utf-8", cte="quoted-printable")
    return draft.as_bytes()


def eml_zip(messages: Sequence[Message]) -> bytes:
    """Return those of `addressed` in one zip, each as a file with its number and the recipient's name."""
    return zip_bytes(numbered([(one.name, eml(one)) for one in addressed(messages)], "eml"))


def addressed(messages: Iterable[Message]) -> list[Message]:
    """Return the messages whose address a draft can hold: not é and the like before its @."""
    return [one for one in messages if _ascii_address(one.email)]


def _ascii_address(address: str) -> str:
    if address.isascii():
        return address
    return validate_email(address, check_deliverability=False).ascii_email or ""


def mail_merge_csv(messages: Sequence[Message]) -> bytes:
    """Return one row for each message, `MERGE_COLUMNS`, for the mail merge of a word processor."""
    rows = [
        (one.name, one.email, one.subject, one.text, *(one.fields.get(name, "") for name in _COLUMNS))
        for one in messages
    ]
    frame = pd.DataFrame(rows, columns=list(MERGE_COLUMNS), dtype="object")
    return csv_bytes(frame.map(spreadsheet_safe))
