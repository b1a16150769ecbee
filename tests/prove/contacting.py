"""Nobody is contacted who must not be: each rule of the gate, what the brand's policy says of it,
and everybody who asks it."""

from __future__ import annotations

from tests.prove.mutation import Mutation

_NOBODY = "suppressed.is_(None) & suppressed.is_not(None)"
_PASSES_UNSUBSCRIBE = """    if transactional:
        found = found.where(suppressions.c.reason != _UNSUBSCRIBE)
"""
_CONSENTED = "said.is_not(True) if opt_in else said.is_(False)"
_NO_CONSENT = f"({_CONSENTED}, _word(SkipReason.NO_CONSENT)),"
_OF_AN_AUDIENCE = """        *block_reasons(
            people.c.person_id, address, transactional=rule.transactional, opt_in=rule.opt_in
        )
"""
_ACCEPTED = """    await require_contactable(
        tx,
        new.brand_id,
        new.channel,
        new.template_key,
        (new.person_id, new.recipient),
    )
"""
_SCHEDULED = """
    await require_contactable(tx, new.brand_id, new.channel, new.template_key, contact)
"""
_NOT_SUPPRESSED = """            suppression_of(
                templates.c.brand_id, templates.c.channel, rows.c.recipient, transactional=True
            ).is_(None)
"""
_RULES = ("test_who_is_held_back_and_why_for_contacts_given_and_for_an_audience",)
_EVERYBODY = ("test_everybody_who_asks_the_gate_is_told_the_same[sqlite]",)

CONTACTING = (
    Mutation(
        name="suppression",
        where="block_reasons",
        original="suppressed.is_not(None)",
        mutated=_NOBODY,
        tests=_RULES,
    ),
    Mutation(
        name="suppression-of-what-is-transactional",
        where="block_reasons",
        original="return [held]",
        mutated=f"return [({_NOBODY}, _word(SkipReason.SUPPRESSED))]",
        tests=_RULES,
    ),
    Mutation(
        name="unsubscribe-lets-what-is-transactional-pass",
        where="suppression_of",
        original=_PASSES_UNSUBSCRIBE,
        mutated="",
        tests=_RULES,
    ),
    Mutation(
        name="lifted-suppression",
        where="HOLDS",
        original="suppressions.c.lifted_at.is_(None)",
        mutated="suppressions.c.id.is_not(None)",
        tests=_RULES,
    ),
    Mutation(
        name="consent",
        where="block_reasons",
        original=_NO_CONSENT,
        mutated="",
        tests=_RULES,
    ),
    Mutation(
        name="consent-that-takes-a-yes",
        where="block_reasons",
        original=_CONSENTED,
        mutated="said.is_(False)",
        tests=_RULES,
    ),
    Mutation(
        name="preference",
        where="block_reasons",
        original="wants.is_(False)",
        mutated="wants.is_(True) & wants.is_(False)",
        tests=_RULES,
    ),
    Mutation(
        name="consent-of-its-category",
        where="_answer",
        original=".where(*_of(table), table.c.category == bindparam(_CATEGORY))\n",
        mutated=".where(*_of(table), table.c.category != bindparam(_CATEGORY))\n",
        tests=_RULES,
    ),
    Mutation(
        name="no-yes-in-bulk-over-a-no-from-elsewhere",
        where="_NO_YES_OVER_A_NO",
        original='"consents.source = excluded.source"',
        mutated='"TRUE"',
        tests=("test_what_people_said_is_recorded_with_them_and_a_no_from_elsewhere_stays",),
    ),
    Mutation(
        name="transactional-category-passes",
        where="GateRule.of",
        original="transactional=policy.is_transactional(category)",
        mutated="transactional=False",
        tests=_EVERYBODY,
    ),
    Mutation(
        name="transactional-category-of-the-policy",
        where="BrandPolicy.is_transactional",
        original="category == TRANSACTIONAL or category in self.transactional_categories",
        mutated="category == TRANSACTIONAL",
        tests=_EVERYBODY,
    ),
    Mutation(
        name="consent-default-of-the-policy",
        where="BrandPolicy.consent_default",
        original="self.consent_defaults.get(channel, CONSENT_DEFAULTS[channel])",
        mutated="CONSENT_DEFAULTS[channel]",
        tests=_EVERYBODY,
    ),
    Mutation(
        name="gate-when-accepted",
        where="accept_at_once",
        original=_ACCEPTED,
        mutated="",
        tests=_EVERYBODY,
    ),
    Mutation(
        name="gate-when-scheduled",
        where="schedule_message",
        original=_SCHEDULED,
        mutated="",
        tests=_EVERYBODY,
    ),
    Mutation(
        name="gate-of-a-batch",
        where="schedule_messages",
        original="refused = await _held_back(tx, brand_id, good)",
        mutated="refused: set[int] = set()",
        tests=_EVERYBODY,
    ),
    Mutation(
        name="suppression-of-joined-one-offs",
        where="_insertion",
        original=_NOT_SUPPRESSED,
        mutated="templates.c.archived_at.is_(None)",
        tests=_EVERYBODY,
    ),
    Mutation(
        name="joined-one-offs-are-transactional",
        where="MessageIntake._look_up",
        original="if category_of(Purpose.TRANSACTIONAL, of_template) != TRANSACTIONAL:",
        mutated='if of_template == "":',
        tests=_EVERYBODY,
    ),
    Mutation(
        name="gate-of-recipients",
        where="hold_back",
        original="classified.without(await held_back(tx, rule, reached))",
        mutated="classified",
        tests=_EVERYBODY,
    ),
    Mutation(
        name="gate-of-an-audience",
        where="_audience",
        original=_OF_AN_AUDIENCE,
        mutated="*[]",
        tests=_EVERYBODY,
    ),
    Mutation(
        name="gate-when-claimed",
        where="load_material",
        original="held_back = await _held_back(tx, messages, addresses, content)",
        mutated="held_back: dict[str, SkipReason] = {}",
        tests=_EVERYBODY,
    ),
)
