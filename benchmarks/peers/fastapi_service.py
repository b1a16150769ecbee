"""ScheduleMessage as it is written in FastAPI: a pydantic model, a session a request, a commit. Run
by uvicorn.

The same checks in spirit, the same durability (WAL, synchronous=FULL), the same answer. There are
no tokens to verify, in its favour.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import Depends, FastAPI, HTTPException
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import JSON, Index, event, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine(f"sqlite+aiosqlite:///{os.environ['BENCH_DATABASE']}")
sessions = async_sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def configure(connection: Any, _record: object) -> None:
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "busy_timeout = 30000",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


class Base(DeclarativeBase):
    pass


class Template(Base):
    __tablename__ = "templates"
    brand_id: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    template_key: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str]


class Message(Base):
    __tablename__ = "messages"
    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: str(uuid4()))
    brand_id: Mapped[str]
    person_id: Mapped[str]
    channel: Mapped[str]
    template_key: Mapped[str]
    template_revision: Mapped[int]
    recipient: Mapped[str]
    variables: Mapped[dict[str, Any]] = mapped_column(JSON)
    hipaa: Mapped[bool]
    dedup_key: Mapped[str]
    status: Mapped[str] = mapped_column(default="pending")
    scheduled_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    sent_at: Mapped[datetime | None]
    __table_args__ = (
        Index("uq_messages_dedup_key", "brand_id", "dedup_key", unique=True),
        Index("ix_messages_due", "channel", "status", "scheduled_at"),
        Index("ix_messages_person", "brand_id", "person_id"),
    )


class ScheduleMessage(BaseModel):
    channel: Literal["email", "sms", "push", "in_app"]
    template_key: str = Field(min_length=1, max_length=128)
    recipient: str = Field(min_length=1, max_length=512)
    brand_id: str = Field(min_length=1, max_length=128)
    person_id: str = Field(min_length=1, max_length=128)
    variables: dict[str, Any] = Field(default_factory=dict)
    dedup_key: str = Field(min_length=1, max_length=200)
    hipaa: bool = False
    scheduled_at: AwareDatetime


class ScheduledMessage(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str
    brand_id: str
    person_id: str
    channel: str
    template_key: str
    template_revision: int
    recipient: str
    dedup_key: str
    hipaa: bool
    status: str
    scheduled_at: datetime
    created_at: datetime
    sent_at: datetime | None


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with sessions() as session:
        if await session.get(Template, ("demo", "email", "bench", 1)) is None:
            session.add(
                Template(
                    brand_id="demo", channel="email", template_key="bench", revision=1, body="Hello"
                )
            )
            await session.commit()
    yield


app = FastAPI(lifespan=lifespan)


async def get_session() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


@app.post("/v1/messages/schedule", status_code=201, response_model=ScheduledMessage)
async def schedule_message(
    body: ScheduleMessage, session: Annotated[AsyncSession, Depends(get_session)]
) -> Message:
    if body.scheduled_at < datetime.now(UTC) - timedelta(minutes=1):
        raise HTTPException(422, "scheduled_at is in the past")
    same_template = (
        Template.brand_id == body.brand_id,
        Template.channel == body.channel,
        Template.template_key == body.template_key,
    )
    template = await session.scalar(
        select(Template).where(*same_template).order_by(Template.revision.desc()).limit(1)
    )
    if template is None:
        raise HTTPException(422, "no such template")
    found = await session.scalar(
        select(Message).where(
            Message.brand_id == body.brand_id, Message.dedup_key == body.dedup_key
        )
    )
    if found is not None:
        return found
    message = Message(template_revision=template.revision, **body.model_dump())
    session.add(message)
    await session.commit()
    return message
