"""Who calls: claims that end no line, callers whose idempotency keys never meet, algorithms of a
key's kind, answers that end with a token, one brand in a call."""

from __future__ import annotations

from tests.prove.mutation import Mutation

IDENTIFYING = (
    Mutation(
        name="control-characters-in-claims",
        where="text_of",
        original="unicodedata.category(character) in _UNFIT",
        mutated="unicodedata.category(character) == name",
        tests=(
            "test_a_token_that_says_something_else_is_refused",
            "test_a_subject_of_two_lines_gets_no_answer_that_another_caller_was_given",
        ),
    ),
    Mutation(
        name="parts-of-an-idempotency-scope",
        where="Principal.idempotency_scope",
        original="json.dumps([self.issuer, self.subject, sorted(self.brands)])",
        mutated='"\\n".join([self.subject, *sorted(self.brands)])',
        tests=("test_idempotency_keys_of_two_callers_or_of_other_brands_never_meet",),
    ),
    Mutation(
        name="link-keys-of-retired-signing-keys",
        where="keep_derived_key",
        original="    if derived not in stored:\n",
        mutated="    if derived in stored:\n",
        tests=("test_no_rotation_of_signing_keys_breaks_a_link",),
    ),
    Mutation(
        name="algorithms-of-a-key",
        where="IssuedTokens._signed_claims",
        original="list(key.algorithms)",
        mutated="[str(jwt.get_unverified_header(token).get('alg'))]",
        tests=("test_keys_that_no_token_may_be_verified_by_are_left_out_of_a_set",),
    ),
    Mutation(
        name="rate-of-looks-for-a-key",
        where="KeySet._look",
        original="self._clock.now() - self._looked_at >= LOOK_AGAIN",
        mutated="self._looking",
        tests=("test_a_rotated_key_is_looked_for_and_made_up_ones_at_a_limited_rate",),
    ),
    Mutation(
        name="answers-that-end-with-the-token",
        where="remembered",
        original="min(until, principal.expires_at or until)",
        mutated="until",
        tests=(
            "test_no_answer_counts_past_the_expiry_of_the_token",
            "test_what_is_remembered_expires_with_the_token",
        ),
    ),
    Mutation(
        name="brand-that-is-named",
        where="Principal.acting_for",
        original="self.require_brand(brand_id)",
        mutated="brand_id",
        tests=("test_a_caller_may_name_one_of_its_brands",),
    ),
    Mutation(
        name="revoked-tokens",
        where="OwnTokens.verify",
        original="if principal.token_id and await self._is_revoked(principal.token_id):",
        mutated="if await self._is_revoked(token) and not principal:",
        tests=("test_a_revoked_token_is_refused_within_half_a_minute_and_no_other_is",),
    ),
    Mutation(
        name="streams-of-revoked-tokens",
        where="Guard._guard_stream",
        original="await self._authentication.admit(policy, call.metadata.get())",
        mutated="pass",
        tests=("test_a_stream_ends_with_the_revocation_of_its_token",),
    ),
    Mutation(
        name="one-client-asks-so-much-at-once",
        where="IntrospectedTokens.verify",
        original="or self._asking_for[client] >= MOST_OF_ONE",
        mutated="",
        tests=("test_a_client_that_makes_up_tokens_leaves_room_for_the_others",),
    ),
    Mutation(
        name="each-question-has-a-connection",
        where="CONNECTIONS",
        original="64",
        mutated="16",
        tests=("test_every_question_that_may_be_asked_has_a_connection",),
    ),
    Mutation(
        name="the-gateway-says-whom-it-asks-for",
        where="server/gateway/lua/admission.lua",
        original=", send_xff = false })",
        mutated=" })",
        tests=("test_a_client_that_makes_up_tokens_keeps_no_other_one_from_being_known",),
    ),
)
