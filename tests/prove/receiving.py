"""What providers tell: signed by the brand's own, of now, and once."""

from __future__ import annotations

from tests.prove.mutation import Mutation

_VERIFIED = "signature.require_signed(request.data, self._email_secrets.get(brand_id, _NOBODYS))\n"
_BY_ANY_BRANDS = (
    "signature.require_signed(\n            request.data, [each for some in "
    "self._email_secrets.values() for each in some]\n        )\n"
)
_REFUSED = ("test_what_is_not_shown_to_be_from_the_brands_provider_changes_nothing",)

RECEIVING = (
    Mutation(
        name="webhook-signed",
        where="WebhookService.ReceiveEmailEvent",
        original=f"        {_VERIFIED}",
        mutated="",
        tests=_REFUSED,
    ),
    Mutation(
        name="webhook-by-the-brands-own-secret",
        where="WebhookService.ReceiveEmailEvent",
        original=_VERIFIED,
        mutated=_BY_ANY_BRANDS,
        tests=_REFUSED,
    ),
    Mutation(
        name="webhook-of-now",
        where="WebhookService.ReceiveEmailEvent",
        original="        signature.require_fresh(now)\n",
        mutated="",
        tests=_REFUSED,
    ),
    Mutation(
        name="webhook-once",
        where="receive_email_event",
        original="    if not await tx.email_events.insert(event):\n",
        mutated="    await tx.email_events.insert(event)\n    if False:\n",
        tests=("test_of_repeats_at_the_same_time_one_has_an_effect_and_all_its_answer",),
    ),
)
