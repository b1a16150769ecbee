"""Accepted once, and durable: keys, audiences, transactions, tokens."""

from __future__ import annotations

from tests.prove.mutation import Mutation

_KEPT_WITH_IT = """                response = await once(tx)
                await tx.idempotency.insert(
                    IdempotencyRecord(
                        scope=scope, key=key, fingerprint=digest,
                        response=response.SerializeToString(), created_at=caller.now
                    )
                )
            return response

        try:
            return await self._storage.write(keyed, whose=party)
"""
_KEPT_AFTERWARDS = """                response = await once(tx)
            return response

        try:
            response = await self._storage.write(keyed, whose=party)
            record = IdempotencyRecord(
                scope=scope, key=key, fingerprint=digest,
                        response=response.SerializeToString(), created_at=caller.now
            )
            await self._storage.write(lambda tx: tx.idempotency.insert(record))
            return response
"""
_UNLESS_DUPLICATE = """dialect.insert(messages).on_conflict_do_nothing(
        index_elements=["brand_id", "dedup_key"], index_where=text("dedup_key IS NOT NULL")
    )
"""

ACCEPTING = (
    Mutation(
        name="sqlite-synchronous-full",
        where="make_engine",
        original='"synchronous = FULL"',
        mutated='"synchronous = OFF"',
        tests=("test_the_file_is_safe_against_power_loss",),
    ),
    Mutation(
        name="sqlite-owner-lock",
        where="SqliteStorage.__init__",
        original="        self._lock = OwnerLock(database)\n",
        mutated="        self._lock = OwnerLock(database.with_name(f'{id(self)}'))\n",
        tests=("test_one_process_owns_the_file",),
    ),
    Mutation(
        name="failed-statement-does-not-commit",
        where="_run_to_end",
        original="        if connection.failure is not None:\n            raise connection.failure "
        "from None\n",
        mutated="",
        tests=("test_a_transaction_that_hides_the_error_of_a_statement_does_not_commit[sqlite]",),
    ),
    Mutation(
        name="transaction-outlives-its-caller",
        where="PostgresStorage._finish",
        original="        return await asyncio.shield(self._tracked(work))\n",
        mutated="        return await self._tracked(work)\n",
        tests=("test_a_cancelled_caller_does_not_cut_its_transaction[postgres]",),
    ),
    Mutation(
        name="idempotency-record-in-the-transaction",
        where="CommandRunner.change",
        original=_KEPT_WITH_IT,
        mutated=_KEPT_AFTERWARDS,
        tests=("test_creating_at_the_same_time_under_one_key_creates_one",),
    ),
    Mutation(
        name="idempotency-key-tells-requests-apart",
        where="CommandRunner.change",
        original="            if record.fingerprint != digest:\n",
        mutated="            if not record.fingerprint:\n",
        tests=("test_key_does_not_span_two_methods",),
    ),
    Mutation(
        name="dedup-key",
        where="_insert_unless_duplicate",
        original=_UNLESS_DUPLICATE,
        mutated="dialect.insert(messages)\n",
        tests=("test_a_dedup_key_is_taken_once_per_brand[sqlite]",),
    ),
    Mutation(
        name="dedup-key-is-unique",
        where="_create_messages",
        original='        ["brand_id", "dedup_key"],\n        unique=True,\n',
        mutated='        ["brand_id", "dedup_key"],\n        unique=False,\n',
        tests=("test_a_dedup_key_is_taken_once_per_brand[sqlite]",),
    ),
    Mutation(
        name="dedup-key-tells-requests-apart",
        where="repeat_of",
        original="    if known.fingerprint != new.fingerprint or not _is_same_time(known, "
        "new.scheduled_at, now):\n",
        mutated="    if not known.fingerprint:\n",
        tests=("test_another_request_under_the_key_is_refused",),
    ),
    Mutation(
        name="one-off-in-normal-form",
        where="check_new_message",
        original="    return replace(new, person_id=person_id, recipient=recipient)\n",
        mutated="    return new\n",
        tests=("test_the_wire_gets_what_suppressions_were_asked_about[sqlite]",),
    ),
    Mutation(
        name="recipients-in-normal-form",
        where="classify_recipients",
        original="            recipient = _normalise(channels, each)\n",
        mutated="            recipient = each\n",
        tests=("test_the_same_person_at_the_same_address_is_a_duplicate_however_it_is_written",),
    ),
    Mutation(
        name="suppressions-in-normal-form",
        where="_check",
        original="    return replace(new, address=address)\n",
        mutated="    return new\n",
        tests=("test_the_wire_gets_what_suppressions_were_asked_about[sqlite]",),
    ),
    Mutation(
        name="audience-key",
        where="_audience_key",
        original="message.status is not MessageStatus.PENDING",
        mutated="message.status is not None",
        tests=("test_a_send_does_not_get_the_same_address_twice[sqlite]",),
    ),
    Mutation(
        name="audience-key-is-unique",
        where="_create_messages",
        original='        ["send_id", "audience_key"],\n        unique=True,\n',
        mutated='        ["send_id", "audience_key"],\n        unique=False,\n',
        tests=("test_a_send_does_not_get_the_same_address_twice[sqlite]",),
    ),
    Mutation(
        name="audience-cursor-with-its-batch",
        where="resolve_audience_batch",
        original="advance_audience(send.id, cursor, done=found < BATCH, now=now)",
        mutated="advance_audience(send.id, None, done=found < BATCH, now=now)",
        tests=("test_a_crash_between_batches_neither_loses_nor_repeats_a_person[sqlite]",),
    ),
    Mutation(
        name="address-reached-by-a-batch-before",
        where="_add_matching_people",
        original="    reached_by = None if send.allow_shared_addresses else send.id\n",
        mutated="    reached_by = None\n",
        tests=("test_an_address_gets_one_message_whichever_batches_its_people_are_in[sqlite]",),
    ),
    Mutation(
        name="address-reached-in-its-own-batch",
        where="ClassifiedRecipients.once_per_address",
        original="                seen.add(address)\n",
        mutated="                pass\n",
        tests=("test_an_address_gets_one_message_whichever_batches_its_people_are_in[sqlite]",),
    ),
    Mutation(
        name="audience-resolved-under-a-lock",
        where="resolve_audience_batch",
        original="    send = await tx.sends.find(send_id, lock=True)\n",
        mutated="    send = await tx.sends.find(send_id)\n",
        tests=("test_two_dispatchers_skip_nobody_twice",),
    ),
    Mutation(
        name="no-row-for-a-send-that-is-over",
        where="Changes.apply",
        original='            if row is None or (columns["total"] and row[0] != '
        "SendStatus.SENDING):\n",
        mutated="            if row is None:\n",
        tests=("test_rows_for_a_cancelled_send_are_refused[sqlite]",),
    ),
    Mutation(
        name="campaign-starts-once",
        where="send_campaign",
        original="    campaign = await campaign_for(tx, caller, face, campaign_id, lock=True)\n",
        mutated="    campaign = await campaign_for(tx, caller, face, campaign_id)\n",
        tests=("test_of_many_sends_at_once_one_starts",),
    ),
    Mutation(
        name="due-campaign-starts-once",
        where="send_due_campaign",
        original="    campaign = await tx.campaigns.find(campaign_id, lock=True)\n",
        mutated="    campaign = await tx.campaigns.find(campaign_id)\n",
        tests=("test_competing_dispatchers_start_a_campaign_once",),
    ),
    Mutation(
        name="brand-that-somebody-created",
        where="Authentication.admit",
        original="        if not self._brands.have(principal.brands):\n",
        mutated="        if not principal.brands:\n",
        tests=("test_no_call_is_taken_for_a_brand_that_nobody_created",),
    ),
    Mutation(
        name="brand-of-a-token",
        where="Principal.require_brand",
        original="        if brand_id not in self.brands:\n",
        mutated="        if not brand_id:\n",
        tests=("test_a_brand_the_token_does_not_name_does_not_exist",),
    ),
    Mutation(
        name="brand-of-what-is-asked-for",
        where="Principal.owns",
        original="        return brand_id in self.brands\n",
        mutated="        return True\n",
        tests=("test_what_is_in_a_brand_of_others_does_not_exist",),
    ),
    Mutation(
        name="services-only",
        where="Authentication.admit",
        original="        if policy.services_only:\n",
        mutated="        if not policy.scopes:\n",
        tests=("test_what_is_for_services_is_refused_to_people_whatever_scopes_they_have",),
    ),
    Mutation(
        name="scope-of-other-data",
        where="Authentication.admit",
        original="        for scope in policy.scopes:\n",
        mutated="        for scope in policy.scopes[:1]:\n",
        tests=("test_no_method_answers_without_each_of_its_scopes",),
    ),
    Mutation(
        name="people-in-previews",
        where="AudiencePreview.for_eyes_of",
        original="        if principal.may(READ_PEOPLE):\n",
        mutated="        if principal.may(READ_PEOPLE) or not self.rounded:\n",
        tests=("test_a_segment_tells_of_no_person", "test_a_campaign_tells_of_no_person"),
    ),
    Mutation(
        name="what-is-no-message",
        where="reading",
        original="            return MalformedRequest()\n",
        mutated="            raise\n",
        tests=("test_no_message_makes_the_service_fail_and_no_refused_one_writes",),
    ),
    Mutation(
        name="patient-id-of-two-people",
        where="find_person_of",
        original="    if len(patients) > 1:\n",
        mutated="    if len(patients) > 2:\n",
        tests=("test_a_patient_id_that_two_people_have_names_neither",),
    ),
    Mutation(
        name="items-of-one-inbox",
        where="SqlInbox._set_once",
        original="_of(brand_id, person_id), inbox_items.c.id.in_(item_ids)",
        mutated="inbox_items.c.brand_id == brand_id, inbox_items.c.id.in_(item_ids)",
        tests=("test_an_item_is_in_one_inbox[sqlite]",),
    ),
    Mutation(
        name="scope-of-a-token",
        where="Principal.require_scope",
        original="        if not self.may(scope):\n",
        mutated="        if not scope:\n",
        tests=("test_no_method_answers_without_each_of_its_scopes",),
    ),
    Mutation(
        name="field-that-a-request-does-not-have",
        where="server/gateway/lua/bodies.lua",
        original="    refusals.add(reader.problems, parent(reader), name, "
        "refusals.UNKNOWN_FIELD)\n",
        mutated="    reader.cut_at = nil\n",
        tests=("test_the_status_is_the_one_of_the_operation",),
    ),
    Mutation(
        name="path-is-not-overruled-by-the-query",
        where="server/gateway/lua/queries.lua",
        original="    if problem then refusals.add(",
        mutated="    if not field then refusals.add(",
        tests=("test_a_parameter_of_the_query_is_not_dropped_either",),
    ),
)
