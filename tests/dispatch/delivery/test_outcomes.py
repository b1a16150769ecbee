"""What becomes of a message in doubt under an idempotency key."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

import pytest

from server.channels.provider import Delivery, Outcome
from server.dispatch.delivery.in_flight import InFlight
from server.dispatch.delivery.outcomes import after_call, withheld
from server.domain.delivery.retry import ErrorClass
from server.domain.delivery.timing import LEASE
from storage.model.brands import BrandPolicy, UnknownPolicy
from storage.model.deliveries import Settlement
from storage.model.messages import Message, MessageStatus
from tests.support.clocks import NOON
from tests.support.dispatch.scripted import ScriptedProvider
from tests.support.storage import made

HOUR = timedelta(hours=1)
NO_KEYS = timedelta(0)
PARK = BrandPolicy(brand_id=made.BRAND)
RESEND = BrandPolicy(brand_id=made.BRAND, unknown_policy=UnknownPolicy.RESEND)
NOT_SENT = [
    Delivery(Outcome.REJECTED, "connect_failed", ErrorClass.UNREACHABLE),
    Delivery(Outcome.REJECTED, "too_many", ErrorClass.THROTTLED),
    Delivery(Outcome.REJECTED, "greylisted", ErrorClass.DEFERRED),
]


def in_doubt(first_sending_at: datetime | None) -> Message:
    """Leased again after a call without an answer."""
    return made.message(
        "ann",
        attempts=1,
        in_doubt=True,
        first_sending_at=first_sending_at,
        status=MessageStatus.LEASED,
    )


def settled(
    message: Message, delivery: Delivery, policy: BrandPolicy, key_window: timedelta
) -> Settlement:
    """What to write after a call that began and ended at noon."""
    called = InFlight(message, policy)
    called.started_at = NOON
    provider = ScriptedProvider(key_window=key_window)
    return after_call(called, provider, delivery, NOON, Random(1))  # noqa: S311


def after(
    message: Message,
    delivery: Delivery,
    *,
    policy: BrandPolicy = PARK,
    key_window: timedelta = HOUR,
) -> MessageStatus:
    return settled(message, delivery, policy, key_window).status


@pytest.mark.parametrize("delivery", NOT_SENT, ids=lambda each: each.reason)
def test_in_doubt_it_is_tried_again_only_while_the_key_is_known(delivery: Delivery) -> None:
    assert after(in_doubt(NOON - timedelta(minutes=1)), delivery) is MessageStatus.PENDING
    # The storage makes this unknown: it may have been sent.
    assert after(in_doubt(NOON - HOUR), delivery) is MessageStatus.FAILED


def test_a_call_without_an_answer_is_repeated_while_the_key_of_the_first_call_is_known() -> None:
    unanswered = Delivery(Outcome.AMBIGUOUS, "provider_timeout")
    assert after(in_doubt(NOON - timedelta(minutes=1)), unanswered) is MessageStatus.PENDING
    assert after(in_doubt(NOON - HOUR), unanswered) is MessageStatus.UNKNOWN
    assert after(in_doubt(None), unanswered) is MessageStatus.PENDING


@pytest.mark.parametrize("delivery", NOT_SENT, ids=lambda each: each.reason)
def test_without_doubt_the_window_of_the_key_does_not_matter(delivery: Delivery) -> None:
    never_in_doubt = made.message(
        "ann", attempts=1, first_sending_at=NOON - HOUR, status=MessageStatus.LEASED
    )

    assert after(never_in_doubt, delivery) is MessageStatus.PENDING


@pytest.mark.parametrize("delivery", NOT_SENT, ids=lambda each: each.reason)
def test_where_resending_was_chosen_a_forgotten_key_does_not_stop_it(delivery: Delivery) -> None:
    assert after(in_doubt(NOON - HOUR), delivery, policy=RESEND) is MessageStatus.PENDING
    # By an operator: the provider has no keys, or the window began anew.
    assert after(in_doubt(NOON - HOUR), delivery, key_window=NO_KEYS) is MessageStatus.PENDING
    assert after(in_doubt(None), delivery) is MessageStatus.PENDING


def test_claimed_after_its_key_was_forgotten_it_is_unknown_and_not_sent() -> None:
    assert (
        withheld(in_doubt(NOON + LEASE - HOUR + timedelta(microseconds=1)), PARK, HOUR, NOON)
        is None
    )
    settlement = withheld(in_doubt(NOON + LEASE - HOUR), PARK, HOUR, NOON)

    assert settlement is not None
    assert settlement.status is MessageStatus.UNKNOWN
    assert settlement.reason == "in_doubt"


def test_claimed_after_its_key_was_forgotten_it_goes_where_resending_was_chosen() -> None:
    assert withheld(in_doubt(NOON - HOUR), RESEND, HOUR, NOON) is None
    assert withheld(in_doubt(None), PARK, HOUR, NOON) is None
    assert withheld(in_doubt(NOON - HOUR), PARK, NO_KEYS, NOON) is None


def test_only_what_a_policy_has_resent_is_marked_as_its_decision() -> None:
    ambiguous = Delivery(Outcome.AMBIGUOUS, "connection_lost", ErrorClass.AMBIGUOUS)
    message = made.message("ann", status=MessageStatus.LEASED)

    def resent_by_policy(delivery: Delivery, policy: BrandPolicy, key_window: timedelta) -> bool:
        return settled(message, delivery, policy, key_window).resent_by_policy

    assert resent_by_policy(ambiguous, RESEND, NO_KEYS)
    assert not resent_by_policy(ambiguous, RESEND, HOUR)
    assert not resent_by_policy(ambiguous, PARK, HOUR)
    assert not resent_by_policy(ambiguous, PARK, NO_KEYS)
    assert not resent_by_policy(NOT_SENT[0], RESEND, NO_KEYS)
