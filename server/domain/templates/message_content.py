"""What a message says: its template, and all that the template can refer to."""

from __future__ import annotations

from dataclasses import dataclass

from server.domain.templates.personalisation import render_context
from server.domain.templates.rendering import TemplateSource
from server.domain.templates.variants import choose_variant, source_of
from storage.model.campaigns import Campaign, CampaignTest
from storage.model.messages import Message
from storage.model.people import Person
from storage.model.sends import Send
from storage.model.templates import TemplateVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageContent:
    """A message with its revision, the person as they are known, and what it has of a campaign: of
    its send, or of what it tries out."""

    message: Message
    template: TemplateVersion
    person: Person | None
    send: Send | None = None
    campaign: Campaign | None = None
    test: CampaignTest | None = None

    @property
    def source(self) -> TemplateSource:
        """What is rendered: in the person's language where the template has it."""
        locale = self.person.locale if self.person else None
        own = self.send or self.test
        return source_of(
            self.template,
            choose_variant(self.template.variants, locale),
            own.subject if own else None,
        )

    def context(self, unsubscribe_url: str | None) -> dict[str, object]:
        """The names that its source is rendered with."""
        return render_context(
            self.message.brand_id,
            self.person,
            schema=self.template.variables,
            campaign=self.campaign or self.test,
            campaign_variables=self.send.variables if self.send else None,
            variables=self.message.variables,
            unsubscribe_url=unsubscribe_url,
        )
