"""Statements about campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, insert, literal_column, select, update

from storage.contract.errors import StorageError
from storage.contract.signals import CAMPAIGNS
from storage.model.campaigns import Campaign, CampaignStatus, CampaignTest
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.dialects.dialect import ColumnKind
from storage.sql.schema.campaigns import campaign_tests, campaigns
from storage.sql.schema.programs import program_steps

# Written out, since a partial index is used only for a condition the planner can see.
_SCHEDULED = campaigns.c.status == literal_column("'scheduled'")


class SqlCampaigns:
    """See `storage.contract.campaigns.Campaigns`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, campaign: Campaign) -> None:
        await self._connection.execute(insert(campaigns), record_values(campaign))
        self._fire_if_scheduled(campaign)

    async def find(self, campaign_id: str, *, lock: bool = False) -> Campaign | None:
        statement = select(campaigns).where(campaigns.c.id == campaign_id)
        row = (
            await self._connection.execute(
                statement.with_for_update(key_share=True) if lock else statement
            )
        ).first
        return read_record(Campaign, row) if row else None

    async def replace(self, campaign: Campaign) -> None:
        values = record_values(campaign)
        changed = await self._connection.execute(
            update(campaigns).where(campaigns.c.id == campaign.id).values(values)
        )
        if not changed.count:
            raise StorageError("there is no such campaign to replace")
        self._fire_if_scheduled(campaign)

    async def delete(self, campaign_id: str) -> None:
        of_campaign = program_steps.c.program_id == campaign_id
        await self._connection.execute(delete(program_steps).where(of_campaign))
        await self._connection.execute(delete(campaigns).where(campaigns.c.id == campaign_id))

    async def insert_test(self, test: CampaignTest) -> None:
        await self._connection.execute(insert(campaign_tests), record_values(test))

    async def find_tests(self, message_ids: Sequence[str]) -> dict[str, CampaignTest]:
        dialect = self._connection.dialect
        given = dialect.row_set("given", id=ColumnKind.TEXT)
        statement = select(campaign_tests).join(
            given.table, campaign_tests.c.message_id == given.c.id
        )
        parameters = dialect.row_set_parameters(given, [(each,) for each in message_ids])
        rows = (await self._connection.execute(statement, parameters)).all
        return {row.message_id: read_record(CampaignTest, row) for row in rows}

    async def list_page(
        self, brand_id: str, face: str, status: CampaignStatus | None, after: str | None, limit: int
    ) -> list[Campaign]:
        statement = select(campaigns).where(
            campaigns.c.brand_id == brand_id, campaigns.c.face == face
        )
        if status is not None:
            statement = statement.where(campaigns.c.status == status)
        if after is not None:
            statement = statement.where(campaigns.c.id < after)
        rows = await self._connection.execute(
            statement.order_by(campaigns.c.id.desc()).limit(limit)
        )
        return [read_record(Campaign, row) for row in rows.all]

    async def list_due(self, now: datetime, limit: int) -> list[str]:
        statement = select(campaigns.c.id).where(_SCHEDULED, campaigns.c.scheduled_at <= now)
        rows = await self._connection.execute(
            statement.order_by(campaigns.c.scheduled_at, campaigns.c.id).limit(limit)
        )
        return [row.id for row in rows.all]

    async def next_due(self) -> datetime | None:
        statement = select(campaigns.c.scheduled_at).where(
            _SCHEDULED, campaigns.c.scheduled_at.is_not(None)
        )
        row = (
            await self._connection.execute(statement.order_by(campaigns.c.scheduled_at).limit(1))
        ).first
        return row.scheduled_at if row else None

    def _fire_if_scheduled(self, campaign: Campaign) -> None:
        if campaign.status is CampaignStatus.SCHEDULED:
            self._connection.fire(CAMPAIGNS)
