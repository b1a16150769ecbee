"""Who calls: keys that are their owner's alone, claims that end no line, callers whose idempotency
keys never meet."""

from __future__ import annotations

from tests.prove.mutation import Mutation

IDENTIFYING = (
    Mutation(
        name="key-files-of-their-owner",
        where="read_key_file",
        original="        if mode & _OF_OTHERS:\n",
        mutated="        if not mode:\n",
        tests=("test_a_key_that_others_may_use_is_refused_with_the_remedy",),
    ),
    Mutation(
        name="control-characters-in-claims",
        where="text_in",
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
)
