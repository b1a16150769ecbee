"""Errors that a caller may see. Reasons are those of `carillon.errors.v1.ErrorReason`, in lower
case; `server/api/errors.py` maps classes to codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One thing wrong with one field of a request."""

    field: str
    """Path of the field in the request, e.g. `recipients[3].person_id`."""
    message: str
    """What is wrong, for people; never repeats the value."""


class CarillonError(Exception):
    """An answer to the caller that is not a success. Nothing was changed."""

    retry_after_seconds: int | None = None
    """When to come again, if that can be said."""

    def __init__(self, reason: str, message: str, details: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.details: dict[str, str] = dict(details or {})


class ValidationFailed(CarillonError):
    """Fields of the request are missing or not acceptable."""

    def __init__(self, violations: Sequence[FieldViolation]) -> None:
        super().__init__("validation_failed", _first_of(violations))
        self.violations = tuple(violations)

    @classmethod
    def of(cls, field: str, message: str) -> ValidationFailed:
        """A refusal for a single field."""
        return cls([FieldViolation(field, message)])


def _first_of(violations: Sequence[FieldViolation]) -> str:
    return "; ".join(f"{violation.field}: {violation.message}" for violation in violations[:3])


class MalformedRequest(CarillonError):
    """The request's bytes are not the message the method takes."""

    def __init__(self) -> None:
        super().__init__(
            "malformed_request",
            "the request is not a message of this method, or is nested too deeply",
        )


class NotFound(CarillonError):
    """The thing named does not exist, or is in a brand that does not exist for the caller.

    Its id is not repeated: that of a person may be an address, and one of any length would not fit
    into gRPC's metadata.
    """

    def __init__(self, noun: str) -> None:
        super().__init__(f"{noun}_not_found", f"no such {noun}")


class BadState(CarillonError):
    """The thing exists, but its status does not allow the operation."""

    def __init__(self, noun: str, status: str, message: str) -> None:
        super().__init__(f"{noun}_state", message, {"status": status})


class KeyReused(CarillonError):
    """A dedup_key or idempotency key already stands for another request."""

    def __init__(self, kind: str, details: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{kind}_reused", f"another request already used this {kind}", details)


class DedupKeyUsed(CarillonError):
    """A message was accepted under this dedup_key before."""

    def __init__(self, message_id: str) -> None:
        super().__init__(
            "dedup_key_used",
            "a message was accepted under this dedup_key before",
            {"message_id": message_id},
        )


class TemplateUnusable(CarillonError):
    """There is no template that a message could be made of."""

    def __init__(self, message: str) -> None:
        super().__init__("template_unusable", message)


class VariablesInvalid(ValidationFailed):
    """The variables of a message do not fit its template."""

    def __init__(self, violations: Sequence[FieldViolation]) -> None:
        super(ValidationFailed, self).__init__("variables_invalid", _first_of(violations))
        self.violations = tuple(violations)


class Suppressed(CarillonError):
    """The address must not get the message; the refusal does not repeat it."""

    def __init__(self, why: str | None) -> None:
        super().__init__(
            "suppressed", "the address is suppressed", {} if why is None else {"reason": why}
        )


class NoConsent(CarillonError):
    """The person has not consented to messages of the category on the channel."""

    def __init__(self) -> None:
        super().__init__("no_consent", "the person has not consented to this")


class PreferenceOff(CarillonError):
    """The person has switched the category off on the channel."""

    def __init__(self) -> None:
        super().__init__("preference_off", "the person has switched this off")


class PayloadTooLarge(CarillonError):
    """The request is larger than its method takes any."""

    def __init__(self) -> None:
        super().__init__("payload_too_large", "the request is larger than this service accepts")


class WebhookUnverified(CarillonError):
    """It is not shown that a webhook is from a provider of the brand that it names."""

    def __init__(self, message: str) -> None:
        super().__init__("webhook_unverified", message)


class Unauthenticated(CarillonError):
    """No token, or none that this service accepts."""

    def __init__(self, message: str) -> None:
        super().__init__("unauthenticated", message)


class ScopeMissing(CarillonError):
    """The token is good, but not for this method."""

    def __init__(self, scope: str) -> None:
        super().__init__("scope_missing", f"the token lacks the scope {scope!r}", {"scope": scope})


class ServicesOnly(CarillonError):
    """The token is a person's, and the method is for services."""

    def __init__(self) -> None:
        super().__init__("services_only", "this is for services, and the token is a person's")


class UnknownBrand(CarillonError):
    """The token names a brand that nobody has created, or none though the method is about one."""

    def __init__(self, brand_id: str = "") -> None:
        if brand_id:
            message, details = (
                "the token names a brand that does not exist; an operator has to create it first",
                {"brand_id": brand_id},
            )
        else:
            message, details = "the token names no brand, and this is about one", {}
        super().__init__("brand_unknown", message, details)


class BrandExists(CarillonError):
    """There is a brand with this id."""

    def __init__(self) -> None:
        super().__init__("brand_exists", "there is a brand with this id")


class TemplateExists(CarillonError):
    """The brand has a template with this key on this channel."""

    def __init__(self) -> None:
        super().__init__(
            "template_exists", "the brand has a template with this key on this channel"
        )


class PatientAmbiguous(CarillonError):
    """A patient_id that more than one person has."""

    def __init__(self) -> None:
        super().__init__(
            "patient_ambiguous", "more than one person has this patient_id: it names none of them"
        )


class NoCanaryNumber(CarillonError):
    """There is nowhere to send a canary to."""

    def __init__(self) -> None:
        super().__init__("no_canary_number", "the installation has no canary number")


class NoSteps(CarillonError):
    """The campaign has no steps, or would have none."""

    def __init__(self) -> None:
        super().__init__("no_steps", "a campaign that goes out must have a step")


class SegmentArchived(CarillonError):
    """The campaign's segment is archived, so nothing new goes to it."""

    def __init__(self) -> None:
        super().__init__("segment_archived", "the campaign's segment is archived")


class Overloaded(CarillonError):
    """More of this is asked for at once than the service does; nothing was begun."""

    retry_after_seconds = 1

    def __init__(
        self, message: str = "too much of this is asked for at once; try again later"
    ) -> None:
        super().__init__("overloaded", message)


class BudgetSpent(Overloaded):
    """The brand has used what it may for now; nothing was begun."""

    def __init__(
        self, budget: str, per_second: float, burst_seconds: float, retry_after_seconds: int
    ) -> None:
        super(Overloaded, self).__init__(
            "budget_spent", f"the brand has used up its {budget} for now", {"budget": budget}
        )
        self.budget = budget
        self.per_second = per_second
        self.burst_seconds = burst_seconds
        self.retry_after_seconds = retry_after_seconds


class DeadlineExceeded(CarillonError):
    """The answer took longer to find than it may."""

    def __init__(self) -> None:
        super().__init__("deadline_exceeded", "this took longer than it may, and was stopped")


class IdentityUnavailable(CarillonError):
    """Who calls cannot be known now; trying again is safe."""

    def __init__(self) -> None:
        super().__init__("identity_unavailable", "the identity service does not answer; try again")


class Unavailable(CarillonError):
    """The service cannot answer now; trying again is safe."""

    def __init__(self, message: str = "the service cannot answer now; try again") -> None:
        super().__init__("unavailable", message)


class NoRoom(CarillonError):
    """There is too little room on the disk for anything new; nothing was written."""

    retry_after_seconds = 30

    def __init__(self) -> None:
        super().__init__(
            "storage_full", "there is too little room to take anything new; try again later"
        )
