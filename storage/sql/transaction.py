"""The aggregates of one transaction."""

from __future__ import annotations

from sqlalchemy import select

from storage.sql.audit import SqlAudit
from storage.sql.brands import SqlBrands
from storage.sql.campaigns import SqlCampaigns
from storage.sql.connection import Connection
from storage.sql.dispatchers import SqlDispatchers
from storage.sql.idempotency import SqlIdempotency
from storage.sql.inbox import SqlInbox
from storage.sql.messages import SqlMessages
from storage.sql.people import SqlPeople
from storage.sql.rates import SqlRates
from storage.sql.segments import SqlSegments
from storage.sql.sends import SqlSends
from storage.sql.suppressions import SqlSuppressions
from storage.sql.tables import brands
from storage.sql.templates import SqlTemplates


class SqlTransaction:
    """See `storage.interface.Transaction`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.campaigns = SqlCampaigns(connection)
        self.templates = SqlTemplates(connection)
        self.people = SqlPeople(connection)
        self.segments = SqlSegments(connection)
        self.suppressions = SqlSuppressions(connection)
        self.idempotency = SqlIdempotency(connection)
        self.sends = SqlSends(connection)
        self.messages = SqlMessages(connection)
        self.inbox = SqlInbox(connection)
        self.brands = SqlBrands(connection)
        self.audit = SqlAudit(connection)
        self.rates = SqlRates(connection)
        self.dispatchers = SqlDispatchers(connection)

    async def is_empty(self) -> bool:
        return (await self._connection.execute(select(brands.c.id).limit(1))).first is None
