"""What a message says: its template, and all that the template can refer to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from server.domain.templates.personalisation import render_context
from server.domain.templates.rendering import CompiledTemplate, Rendered, TemplateSource
from server.domain.templates.variants import choose_variant, source_of
from storage.model.campaigns import Campaign
from storage.model.messages import Message
from storage.model.people import Person
from storage.model.sends import Send
from storage.model.templates import Template


@dataclass(frozen=True, slots=True)
class MessageContent:
    """A message with its revision, the person as they are known, and the send and campaign of one
    that has them."""

    message: Message
    template: Template
    person: Person | None
    send: Send | None
    campaign: Campaign | None

    @property
    def source(self) -> TemplateSource:
        """What is rendered: in the person's language where the template has it."""
        variant = choose_variant(
            self.template.variants, self.person.locale if self.person else None
        )
        return source_of(self.template, variant, self.send.subject if self.send else None)

    def render(
        self, compiled: CompiledTemplate, unsubscribe_url: str | None, now: datetime
    ) -> Rendered:
        """The message, of its compiled source. Raises RenderError."""
        context = render_context(
            self.message.brand_id,
            self.person,
            schema=self.template.variables,
            campaign=self.campaign,
            campaign_variables=self.send.variables if self.send else None,
            variables=self.message.variables,
            unsubscribe_url=unsubscribe_url,
        )
        return compiled.render(context, now)
