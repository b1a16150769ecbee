"""What is asked of a request before anything is done: rules of its fields, variables of its
template and whether that is archived, whose page a token is of, and which suppression is the
stronger."""

from __future__ import annotations

from tests.prove.mutation import Mutation

_OF_A_MESSAGE = "find_unfit_variables(new.channel, schema, new.variables)"
_OF_A_CAMPAIGN = "find_unfit_variables(campaign.channel, template.variables, campaign.variables)"
_OF_A_RENDERING = 'find(version.variables, wanted.payload, "payload")'
_STRONGER = """        where=case(strength, value=insert.excluded.reason)
        > case(strength, value=suppressions.c.reason)
"""
_EVERY_OPERATION = "test_every_operation_names_variables_that_do_not_fit_and_accepts_those_that_do"

ASKING = (
    Mutation(
        name="rules-of-fields",
        where="acceptable",
        original="    if faults:\n",
        mutated="    if faults is None:\n",
        tests=("test_a_required_field_that_is_missing",),
    ),
    Mutation(
        name="variables-of-a-message",
        where="judge_new_message",
        original=_OF_A_MESSAGE,
        mutated=_OF_A_MESSAGE.replace("schema", "()"),
        tests=(_EVERY_OPERATION,),
    ),
    Mutation(
        name="variables-of-a-campaign",
        where="pin_template",
        original=_OF_A_CAMPAIGN,
        mutated=_OF_A_CAMPAIGN.replace("template.variables", "()"),
        tests=(_EVERY_OPERATION,),
    ),
    Mutation(
        name="variables-of-a-rendering",
        where="find_rendering",
        original=_OF_A_RENDERING,
        mutated=_OF_A_RENDERING.replace("version.variables", "()"),
        tests=(_EVERY_OPERATION,),
    ),
    Mutation(
        name="archived-template",
        where="require_not_archived",
        original="template.archived_at is not None",
        mutated="template.archived_at is field",
        tests=("test_no_message_is_accepted_with_an_archived_template",),
    ),
    Mutation(
        name="page-token-of-its-list",
        where="_decode",
        original="fingerprint != _fingerprint(query)",
        mutated="not fingerprint",
        tests=("test_token_of_another_list_or_filter_is_refused",),
    ),
    Mutation(
        name="stronger-suppression",
        where="_put",
        original=_STRONGER,
        mutated="        where=None",
        tests=("test_only_a_stronger_reason_replaces_one",),
    ),
)
