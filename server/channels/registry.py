"""Chooses the provider of each channel, by the settings."""

from __future__ import annotations

from datetime import timedelta

from server.channels.email.smtp import SmtpProvider
from server.channels.outbox.provider import OutboxProvider
from server.channels.provider import Provider
from server.channels.webhook.provider import WebhookProvider
from server.channels.webpush.push import PushProvider
from server.config import Settings


def build_providers(settings: Settings, browsers: Provider | None = None) -> dict[str, Provider]:
    """A provider for each channel that leaves the process; in_app does not. `browsers` is that of
    Web Push; None: there is no Web Push here. Raises ValueError for a mail server or sender that
    cannot work."""
    providers = {channel: _provider(settings, channel) for channel in ("email", "sms", "push")}
    if browsers is not None:
        providers["push"] = PushProvider(browsers, devices=providers["push"])
    return providers


def _provider(settings: Settings, channel: str) -> Provider:
    """The HTTP gateway or mail server that the settings name; the outbox, if they name none."""
    url, token = settings.gateway(channel)
    if url:
        return WebhookProvider(
            url, channel, token=token, key_window=timedelta(hours=settings.webhook_key_hours)
        )
    if channel == "email" and settings.smtp_url:
        return SmtpProvider(
            settings.smtp_url, settings.mail_from, max_concurrency=settings.smtp_connections
        )
    return OutboxProvider(settings.data_dir / "outbox", channel, settings.mail_from)
