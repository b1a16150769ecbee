"""Which of the given recipients get a message, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from enum import StrEnum

from server.domain.errors import FieldViolation, ValidationFailed
from server.domain.validation import ADDRESS_LENGTH, ID_LENGTH, has_control_characters

Recipient = tuple[str, str]
"""A person's id and the address to reach them at."""


class SkipReason(StrEnum):
    """Why a message was never tried; the `failure_reason` of a skipped message."""

    DUPLICATE = "duplicate"
    INVALID_RECIPIENT = "invalid_recipient"
    NO_ADDRESS = "no_address"
    SUPPRESSED = "suppressed"


def refuse_blank_recipients(recipients: Sequence[Recipient]) -> None:
    """Raises ValidationFailed, naming the first ten, if a recipient has no person or address."""
    violations = []
    for index, (person_id, address) in enumerate(recipients):
        if not person_id.strip():
            violations.append(FieldViolation(f"recipients[{index}].person_id", "is required"))
        if not address.strip():
            violations.append(FieldViolation(f"recipients[{index}].recipient", "is required"))
        if len(violations) >= 10:
            break
    if violations:
        raise ValidationFailed(violations)


def refuse_unstorable_recipients(recipients: Sequence[Recipient]) -> None:
    """Raises ValidationFailed for the first recipient that is too long, or has a NUL character, which PostgreSQL cannot hold."""
    for index, (person_id, address) in enumerate(recipients):
        if len(person_id) > ID_LENGTH:
            raise ValidationFailed.of(f"recipients[{index}].person_id", f"must be at most {ID_LENGTH} characters")
        if len(address) > ADDRESS_LENGTH:
            raise ValidationFailed.of(f"recipients[{index}].recipient", f"must be at most {ADDRESS_LENGTH} characters")
        if "\x00" in person_id or "\x00" in address:
            name = "person_id" if "\x00" in person_id else "recipient"
            raise ValidationFailed.of(f"recipients[{index}].{name}", "must not contain the NUL character")


def sort_out(recipients: Sequence[Recipient], suppressed: Set[str]) -> Iterator[tuple[str, str, SkipReason | None]]:
    """Each recipient in order, with the reason to skip it, if there is one. `suppressed` are the addresses that must not be contacted, as
    they are written among the recipients."""
    seen: set[Recipient] = set()
    for recipient in recipients:
        yield (*recipient, _reason_to_skip(recipient, seen, suppressed))
        seen.add(recipient)


def _reason_to_skip(recipient: Recipient, seen: Set[Recipient], suppressed: Set[str]) -> SkipReason | None:
    person_id, address = recipient
    if not person_id.strip() or not address.strip() or has_control_characters(person_id) or has_control_characters(address):
        return SkipReason.INVALID_RECIPIENT
    if recipient in seen:
        return SkipReason.DUPLICATE
    return SkipReason.SUPPRESSED if address in suppressed else None
