"""Puts the aggregates of one transaction together."""

from __future__ import annotations

from sqlalchemy import select

from storage.model.preferences import Preference
from storage.sql.aggregates.answers import SqlAnswers, SqlConsents
from storage.sql.aggregates.brands import SqlBrands
from storage.sql.aggregates.campaigns import SqlCampaigns
from storage.sql.aggregates.dispatchers import SqlDispatchers
from storage.sql.aggregates.email_events import SqlEmailEvents
from storage.sql.aggregates.gate import SqlGate
from storage.sql.aggregates.idempotency import SqlIdempotency
from storage.sql.aggregates.inbox import SqlInbox
from storage.sql.aggregates.literal_contents import SqlLiteralContents
from storage.sql.aggregates.messages import SqlMessages
from storage.sql.aggregates.people import SqlPeople
from storage.sql.aggregates.program_steps import SqlSteps
from storage.sql.aggregates.programs import SqlEnrollments, SqlSequences
from storage.sql.aggregates.push_subscriptions import SqlPushSubscriptions
from storage.sql.aggregates.rates import SqlRates
from storage.sql.aggregates.revocations import SqlRevocations
from storage.sql.aggregates.segments import SqlSegments
from storage.sql.aggregates.sends import SqlSends
from storage.sql.aggregates.suppressions import SqlSuppressions
from storage.sql.aggregates.templates import SqlTemplates
from storage.sql.audit import SqlAudit
from storage.sql.connection import Connection
from storage.sql.schema.brands import brands
from storage.sql.schema.preferences import preferences


class SqlTransaction:
    """See `storage.contract.storage.Transaction`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.campaigns = SqlCampaigns(connection)
        self.templates = SqlTemplates(connection)
        self.people = SqlPeople(connection)
        self.segments = SqlSegments(connection)
        self.suppressions = SqlSuppressions(connection)
        self.consents = SqlConsents(connection)
        self.preferences = SqlAnswers(connection, preferences, Preference)
        self.gate = SqlGate(connection)
        self.push_subscriptions = SqlPushSubscriptions(connection)
        self.email_events = SqlEmailEvents(connection)
        self.idempotency = SqlIdempotency(connection)
        self.sends = SqlSends(connection)
        self.sequences = SqlSequences(connection)
        self.steps = SqlSteps(connection)
        self.enrollments = SqlEnrollments(connection)
        self.messages = SqlMessages(connection)
        self.literal_contents = SqlLiteralContents(connection)
        self.inbox = SqlInbox(connection)
        self.brands = SqlBrands(connection)
        self.audit = SqlAudit(connection)
        self.rates = SqlRates(connection)
        self.revocations = SqlRevocations(connection)
        self.dispatchers = SqlDispatchers(connection)

    async def is_empty(self) -> bool:
        return (await self._connection.execute(select(brands.c.id).limit(1))).first is None
