"""Renders claimed messages into what goes out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import lru_cache, partial

from server.channels.provider import Envelope
from server.dispatch.delivery.browsers import is_to_person
from server.dispatch.delivery.byte_budget import ByteBudget
from server.dispatch.delivery.material import Content, Material, load_material, template_key
from server.dispatch.delivery.outcomes import IN_APP, held_back, unrenderable, without_address
from server.domain.contacts.unsubscribe import LinkedContact
from server.domain.templates.message_content import MessageContent
from server.domain.templates.notice import read_notice
from server.domain.templates.rendering import RenderError, compile_template
from storage.contract.storage import Storage
from storage.model.audiences import SkipReason
from storage.model.deliveries import Settlement
from storage.model.literal_contents import LiteralContent
from storage.model.messages import Message
from storage.model.programs import OWN_ADDRESS

THREADS = 4
"""Batches that are rendered at once, of all channels: more than a machine has cores for."""
CACHED_TEMPLATES = 512
CACHED_CONTENT = 512
"""Templates, sends and campaigns that are kept as they were read."""
TIME_BUDGET = 5.0
"""Seconds after which a batch is cut short. The slowest template takes about one second; a whole
batch of them would outlive its leases and never be delivered."""

_log = logging.getLogger(__name__)

Result = Envelope | Settlement
"""What goes out of a message, or how it ends because nothing does."""


class Renderer:
    """Renders batches. Revisions are immutable, so compiled templates are kept."""

    def __init__(
        self,
        storage: Storage,
        unsubscribe_link: Callable[[LinkedContact], str],
        bytes_out: ByteBudget | None = None,
    ) -> None:
        """`unsubscribe_link` gives the link of a contact; `bytes_out` is where those who have
        something rendered count what goes out."""
        self.bytes_out = bytes_out or ByteBudget()
        self._storage = storage
        self._unsubscribe_link = unsubscribe_link
        self._known = Content({}, {}, {}, {})
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="renderer")
        self._compile = lru_cache(CACHED_TEMPLATES)(compile_template)

    async def render(self, messages: Sequence[Message], now: datetime) -> list[Result]:
        """An envelope for each message, in order, or how it ends without one; for the first of them
        only, at least one, if they take long. `now` becomes the date of what goes out, and what
        templates take for the present.

        On a thread of its own: a template may take up to a second before its budget is spent, and
        the loop has calls to answer.
        """
        material = await self._storage.read(
            partial(load_material, messages=messages, known=self._known)
        )
        self._remember(material.content)
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._render_in_time, messages, material, now
        )

    def close(self) -> None:
        """Lets go of its threads."""
        self._threads.shutdown(wait=False)

    def _remember(self, content: Content) -> None:
        # What was not used this time is forgotten when there is too much of it.
        self._known = (
            content
            if len(self._known) + len(content) > CACHED_CONTENT
            else self._known.joined(content)
        )

    def _render_in_time(
        self, messages: Sequence[Message], material: Material, now: datetime
    ) -> list[Result]:
        end = time.monotonic() + TIME_BUDGET
        results: list[Result] = []
        for message in messages:
            results.append(self._render_or_fail(message, material, now))
            if time.monotonic() > end:
                break
        return results

    def _render_or_fail(self, message: Message, material: Material, now: datetime) -> Result:
        try:
            return self._render_one(message, material, now)
        except RenderError as error:
            return unrenderable(message, error.reason)
        except Exception:  # noqa: BLE001 - one message must not take its batch with it
            _log.exception("message %s could not be rendered", message.id)
            return unrenderable(message, "template_error")

    def _render_one(self, message: Message, material: Material, now: datetime) -> Result:
        if message.id in material.held_back:
            return held_back(message, material.held_back[message.id])
        address = material.addresses.get(message.id)
        if is_to_person(message) or (address is None and _has_no_address(message)):
            return without_address(message)
        if address is None:
            return unrenderable(message, SkipReason.INVALID_RECIPIENT)
        if message.is_literal:
            literal = material.literals.get(message.id)
            return (
                _as_given(message, address, literal, now)
                if literal is not None
                else unrenderable(message, "content_missing")
            )
        return self._render_template(message, address, material, now)

    def _render_template(
        self, message: Message, address: str, material: Material, now: datetime
    ) -> Result:
        template = material.content.templates.get(template_key(message))
        if template is None:
            return unrenderable(message, "template_missing")
        send = material.content.sends.get(message.send_id) if message.send_id else None
        person = material.people.get((message.brand_id, message.person_id))
        campaign = material.content.campaigns.get(send.campaign_id) if send else None
        content = MessageContent(
            message=message,
            template=template,
            person=person,
            send=send,
            campaign=campaign,
            test=material.tests.get(message.id),
        )
        compiled = self._compile(content.source)
        category = material.content.category(message)
        # A link takes a fifth of the time, and nobody sees that of an in_app message unless its
        # template shows it.
        linked = message.channel != IN_APP or compiled.may_show("unsubscribe_url")
        unsubscribe_url = (
            self._unsubscribe_link(_contact(message, address, category)) if linked else None
        )
        context = content.context(unsubscribe_url)
        rendered = compiled.render(context, now)
        notice = read_notice(message.channel, context)
        if not _is_text(f"{rendered.subject}{rendered.body}{rendered.html}"):
            return unrenderable(message, "template_error")
        return Envelope(
            message_id=message.id,
            brand_id=message.brand_id,
            person_id=message.person_id,
            channel=message.channel,
            address=address,
            subject=rendered.subject,
            body=rendered.body,
            html=rendered.html,
            created_at=now,
            unsubscribe_url=unsubscribe_url,
            category=category,
            action_url=notice.action_url,
            metadata=notice.metadata,
        )


def _as_given(message: Message, address: str, literal: LiteralContent, now: datetime) -> Envelope:
    return Envelope(
        message_id=message.id,
        brand_id=message.brand_id,
        person_id=message.person_id,
        channel=message.channel,
        address=address,
        subject=literal.title,
        body=literal.body,
        html=None,
        created_at=now,
        action_url=literal.action_url,
    )


def _is_text(text: str) -> bool:
    """Filters can make a NUL, which PostgreSQL does not store, and half a surrogate pair, which has
    no UTF-8."""
    if text.isascii():
        return "\0" not in text
    try:
        return "\0" not in text and bool(text.encode())
    except UnicodeEncodeError:
        return False


def _has_no_address(message: Message) -> bool:
    """Whether it is a step to somebody's own address who had none when it ran."""
    return message.enrollment_id is not None and message.recipient == OWN_ADDRESS


def _contact(message: Message, address: str, category: str) -> LinkedContact:
    return LinkedContact(message.brand_id, message.person_id, message.channel, category, address)
