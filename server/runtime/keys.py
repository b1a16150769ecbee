"""The keys of one process, each read or made when it is first asked for."""

from __future__ import annotations

from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from server.config import Settings
from server.config.webhook_secrets import webhook_secrets_in
from server.domain.clock import Clock
from server.domain.contacts.unsubscribe import UnsubscribeLinks
from server.identity.link_keys import link_keys
from server.identity.tokens import Tokens, tokens_of
from server.runtime.vapid import public_text, vapid_key


class Keys:
    """Signs and verifies for an installation. Each raises ConfigError if its key is missing or
    unfit."""

    def __init__(self, settings: Settings, clock: Clock, *, may_create: bool) -> None:
        """`may_create` says whether a key that is not there is made: not by one of several
        processes, which share theirs."""
        self._settings = settings
        self._clock = clock
        self._may_create = may_create

    @cached_property
    def tokens(self) -> Tokens:
        """Makes and verifies tokens."""
        return tokens_of(self._settings, self._clock, may_create=self._may_create)

    @cached_property
    def links(self) -> UnsubscribeLinks:
        """Makes and reads unsubscribe links."""
        return UnsubscribeLinks(
            link_keys(self._settings, self.tokens.keys, may_create=self._may_create),
            self._settings.effective_public_url,
        )

    @cached_property
    def email_secrets(self) -> dict[str, tuple[bytes, ...]]:
        """The secrets that webhooks of mail providers are signed with, by brand."""
        return webhook_secrets_in(self._settings.email_webhook_secrets)

    @cached_property
    def web_push(self) -> EllipticCurvePrivateKey | None:
        """By which push services know this installation; None: there is no Web Push here."""
        return vapid_key(self._settings, may_create=self._may_create)

    @property
    def web_push_public(self) -> str | None:
        """Its public half, with which browsers subscribe."""
        return None if self.web_push is None else public_text(self.web_push)
