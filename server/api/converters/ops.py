"""Converts the messages of carillon.ops.v1: brands, the audit log, unknown messages, the hold."""

from __future__ import annotations

from carillon.ops.v1 import (
    audit_service_pb2,
    brand_pb2,
    brand_service_pb2,
    hold_service_pb2,
    unknown_message_service_pb2,
)
from carillon.type.v1 import cancel_receipt_pb2
from server.api.converters.values import (
    channel,
    read_channel,
    read_choice,
    read_enum,
    struct,
    timestamp,
)
from server.commands.operations.brand_policy import ChannelRate, NewBrandPolicy
from storage.model.audit import AuditEntry
from storage.model.brands import Brand, BrandPolicy, MisfirePolicy, UnknownPolicy
from storage.model.channels import Channel
from storage.model.consents import ConsentDefault
from storage.model.dispatchers import Hold
from storage.model.messages import UnknownMessage
from storage.model.sends import CancelReceipt


def brand(record: Brand) -> brand_pb2.Brand:
    """A brand."""
    return brand_pb2.Brand(
        id=record.id,
        name=record.name,
        created_by=record.created_by,
        created_at=timestamp(record.created_at),
        updated_at=timestamp(record.updated_at),
    )


def brand_policy(record: BrandPolicy) -> brand_pb2.BrandPolicy:
    """A brand's policy."""
    pb = brand_pb2.BrandPolicy
    rates = [
        pb.RateLimit(channel=channel(name), per_second=limit["per_second"], burst=limit["burst"])
        for name, limit in sorted(record.rate_limits.items())
        if isinstance(limit, dict)
    ]
    return pb(
        brand_id=record.brand_id,
        unknown_policy=pb.UnknownPolicy.Value(record.unknown_policy),
        misfire_policy=pb.MisfirePolicy.Value(record.misfire_policy),
        misfire_seconds=record.misfire_seconds,
        rate_limits=rates,
        consent_defaults=[
            pb.ConsentDefault(
                channel=channel(name),
                meaning=pb.ConsentDefault.Meaning.Value(record.consent_default(name)),
            )
            for name in Channel
        ],
        transactional_categories=record.transactional_categories,
        budgets=pb.Budgets(**{name: float(str(rate)) for name, rate in record.budgets.items()}),
        updated_at=timestamp(record.updated_at),
        updated_by=record.updated_by,
    )


def read_brand_policy(request: brand_service_pb2.SetBrandPolicyRequest) -> NewBrandPolicy:
    """A policy to set."""
    unknown = read_enum(request, "unknown_policy")
    misfire = read_enum(request, "misfire_policy")
    return NewBrandPolicy(
        brand_id=request.brand_id,
        unknown_policy=UnknownPolicy(unknown) if unknown else None,
        misfire_policy=MisfirePolicy(misfire) if misfire else None,
        misfire_seconds=request.misfire_seconds,
        rates=[
            ChannelRate(read_channel(rate.channel), rate.per_second, rate.burst)
            for rate in request.rate_limits
        ],
        consent_defaults={
            read_channel(each.channel): ConsentDefault(read_choice(each, "meaning"))
            for each in request.consent_defaults
        },
        transactional_categories=request.transactional_categories,
        budgets={field.name: rate for field, rate in request.budgets.ListFields()}
        if request.HasField("budgets")
        else None,
    )


def unknown_message(record: UnknownMessage) -> unknown_message_service_pb2.UnknownMessage:
    """A message whose outcome cannot be known."""
    message, attempt = record.message, record.attempt
    return unknown_message_service_pb2.UnknownMessage(
        message_id=message.id,
        brand_id=message.brand_id,
        send_id=message.send_id,
        person_id=message.person_id,
        channel=channel(message.channel),
        recipient=message.recipient,
        attempts=message.attempts,
        provider=attempt.provider if attempt else None,
        attempted_at=timestamp(attempt.started_at) if attempt else None,
        reason=message.failure_reason,
    )


def audit_entry(record: AuditEntry) -> audit_service_pb2.AuditEntry:
    """One entry of the audit log."""
    return audit_service_pb2.AuditEntry(
        id=record.id,
        brand_id=record.brand_id,
        actor=record.actor,
        action=record.action,
        subject_id=record.subject_id,
        details=struct(record.details),
        created_at=timestamp(record.created_at),
        request_id=record.request_id,
    )


def hold(record: Hold) -> hold_service_pb2.Hold:
    """Whether delivery is held."""
    return hold_service_pb2.Hold(
        held=record.held_at is not None,
        reason=record.reason,
        held_at=timestamp(record.held_at),
        released_at=timestamp(record.released_at),
        released_by=record.released_by,
    )


def cancel_receipt(record: CancelReceipt) -> cancel_receipt_pb2.CancelReceipt:
    """What a cancellation found."""
    return cancel_receipt_pb2.CancelReceipt(
        sent=record.sent, in_flight=record.in_flight, cancelled=record.cancelled
    )
