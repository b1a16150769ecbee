"""Classifies given recipients: who gets a message, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from server.domain.contacts.addresses import (
    Recipient,
    check_recipient,
    find_channel_of,
    normalise_person_id,
    normalise_recipient,
)
from server.domain.validation import Checks
from storage.model.audiences import SkipReason
from storage.model.programs import OWN_ADDRESS

_MOST_VIOLATIONS = 10


@dataclass(frozen=True, slots=True)
class ClassifiedRecipients:
    """Recipients in the order in which they were given, each with the reason to skip it, if there
    is one. Two lists, because a million pairs would take much room."""

    recipients: list[Recipient]
    """In normal form; an invalid one as it was given."""
    skips: list[SkipReason | None]

    def __iter__(self) -> Iterator[tuple[Recipient, SkipReason | None]]:
        return zip(self.recipients, self.skips, strict=True)

    @property
    def reached(self) -> list[Recipient]:
        """Those who are not skipped."""
        return [recipient for recipient, skip in self if skip is None]

    def without(self, held_back: Mapping[Recipient, SkipReason]) -> ClassifiedRecipients:
        """The same, and those skipped whom the gate holds back."""
        if not held_back:
            return self
        return ClassifiedRecipients(
            self.recipients,
            [held_back.get(recipient) if skip is None else skip for recipient, skip in self],
        )

    def once_per_address(self) -> ClassifiedRecipients:
        """The same, and those skipped whose address is that of somebody before them who is not
        skipped. OWN_ADDRESS is no address."""
        seen: set[str] = set()
        skips: list[SkipReason | None] = []
        for (_, address), skip in self:
            if skip is None and address in seen:
                skips.append(SkipReason.DUPLICATE)
                continue
            if skip is None and address != OWN_ADDRESS:
                seen.add(address)
            skips.append(skip)
        return ClassifiedRecipients(self.recipients, skips)


def channel_served(channels: Sequence[str], recipient: Recipient) -> str | None:
    """Which of the channels a recipient in normal form is an address of; None if it is of none."""
    if len(channels) == 1:
        return channels[0]
    found = find_channel_of(*recipient, channels)
    return found[0] if found is not None and found[0] in channels else None


def _normalise(channels: Sequence[str], recipient: Recipient) -> Recipient:
    if len(channels) == 1:
        return normalise_recipient(channels[0], recipient)
    person_id = normalise_person_id(recipient[0])
    found = find_channel_of(person_id, recipient[1], channels)
    if found is None or found[0] not in channels:
        raise ValueError("is no address that one of the channels takes")
    return person_id, found[1]


def classify_recipients(
    channels: Sequence[str], given: Sequence[Recipient], *, allow_shared_addresses: bool
) -> ClassifiedRecipients:
    """Which of the recipients have an address of one of the channels: each address once, or with
    `allow_shared_addresses` each person at it."""
    recipients: list[Recipient] = []
    skips: list[SkipReason | None] = []
    seen: set[Recipient | str] = set()
    for each in given:
        skip = None
        try:
            recipient = _normalise(channels, each)
        except ValueError:
            recipient, skip = each, SkipReason.INVALID_RECIPIENT
        else:
            reached = recipient if allow_shared_addresses else recipient[1]
            if reached in seen:
                skip = SkipReason.DUPLICATE
            else:
                seen.add(reached)
        recipients.append(recipient)
        skips.append(skip)
    return ClassifiedRecipients(recipients, skips)


def refuse_invalid_recipients(channel: str, classified: ClassifiedRecipients) -> None:
    """Raises ValidationFailed, naming the first ten faults, if a recipient cannot be reached."""
    checks = Checks()
    for index, (recipient, skip) in enumerate(classified):
        if skip is SkipReason.INVALID_RECIPIENT:
            check_recipient(checks, channel, recipient, f"recipients[{index}].")
        if checks.count >= _MOST_VIOLATIONS:
            break
    checks.finish()
