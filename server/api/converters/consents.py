"""Converts consents, preferences and what the gate says of a contact."""

from __future__ import annotations

from carillon.comms.v1 import consent_service_pb2, preference_service_pb2
from carillon.messaging.v1 import consent_check_service_pb2, person_service_pb2
from server.api.converters.values import channel, read_channel, timestamp
from server.commands.consents.key import ContactKey
from server.commands.consents.queries import ConsentCheck
from server.commands.gate.explain import Explanation
from storage.model.consents import Consent
from storage.model.preferences import Preference

OfContact = (
    consent_service_pb2.PutConsentRequest
    | consent_service_pb2.RevokeConsentRequest
    | preference_service_pb2.PutPreferenceRequest
    | consent_check_service_pb2.CheckConsentRequest
    | person_service_pb2.ExplainContactRequest
)


def read_key(request: OfContact) -> ContactKey:
    """What a request is about."""
    return ContactKey(
        request.brand_id, request.person_id, read_channel(request.channel), request.category
    )


def consent(record: Consent) -> consent_service_pb2.Consent:
    """What a person said."""
    return consent_service_pb2.Consent(
        id=record.id,
        brand_id=record.brand_id,
        person_id=record.person_id,
        channel=channel(record.channel),
        category=record.category,
        opted_in=record.opted_in,
        source=record.source,
        updated_at=timestamp(record.updated_at),
    )


def revoked(record: Consent) -> consent_service_pb2.RevokeConsentResponse:
    """What holds after an unsubscribe."""
    return consent_service_pb2.RevokeConsentResponse(
        brand_id=record.brand_id,
        person_id=record.person_id,
        channel=channel(record.channel),
        category=record.category,
        opted_in=record.opted_in,
    )


def preference(record: Preference) -> preference_service_pb2.Preference:
    """What a person wants."""
    return preference_service_pb2.Preference(
        id=record.id,
        brand_id=record.brand_id,
        person_id=record.person_id,
        channel=channel(record.channel),
        category=record.category,
        enabled=record.enabled,
    )


def check(found: ConsentCheck) -> consent_check_service_pb2.CheckConsentResponse:
    """Whether consent lets something pass."""
    pb, said = consent_check_service_pb2.CheckConsentResponse, found.consent
    return pb(
        consented=found.consented,
        reason=consent_check_service_pb2.ConsentBasis.Reason.Value(found.reason),
        opted_in=said.opted_in if said else None,
        source=said.source if said else None,
    )


def explanation(found: Explanation) -> person_service_pb2.ExplainContactResponse:
    """Whether a message would go out, rule by rule."""
    pb = person_service_pb2.ExplainContactResponse
    return pb(
        would_send=found.reason is None,
        reason=found.reason,
        recipient=found.recipient,
        rules=[
            pb.Rule(rule=each.rule, passes=each.passes, because=each.because)
            for each in found.rules
        ],
    )
