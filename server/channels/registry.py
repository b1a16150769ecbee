"""Which provider serves which channel."""

from __future__ import annotations

from server.channels.outbox import OutboxProvider
from server.channels.provider import Provider
from server.channels.smtp import SmtpProvider
from server.config import Settings


def build_providers(settings: Settings) -> dict[str, Provider]:
    """A provider for each channel that leaves the process; in_app does not. The outbox, unless `smtp_url` says where email goes.
    Raises ValueError for a URL or sender that cannot work."""
    outbox = settings.data_dir / "outbox"
    email: Provider = (
        SmtpProvider(settings.smtp_url, settings.mail_from) if settings.smtp_url else OutboxProvider(outbox, "email", settings.mail_from)
    )
    return {
        "email": email,
        "sms": OutboxProvider(outbox, "sms", settings.mail_from),
        "push": OutboxProvider(outbox, "push", settings.mail_from),
    }
