"""Kinds of settings: what each is read from, and what it may be."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from server.config import binding, values
from server.config.origins import origins_in
from server.config.webhook_secrets import webhook_secrets_in

MAX_DAYS = 36_500
MAX_SMTP_CONNECTIONS = 100
MAX_KEY_HOURS = 8760
MAX_SEND_WAIT_SECONDS = 30

Text = Annotated[str, BeforeValidator(values.text)]
Name = Annotated[Text, AfterValidator(values.name)]
Flag = Annotated[bool, BeforeValidator(values.flag)]
Port = Annotated[int, BeforeValidator(values.whole_number), AfterValidator(values.port)]
OptionalPort = Annotated[
    int, BeforeValidator(values.whole_number), AfterValidator(values.port_or_none)
]
DrainSeconds = Annotated[
    int, BeforeValidator(values.whole_number), AfterValidator(values.between(0, 600))
]
SmtpConnections = Annotated[
    int,
    BeforeValidator(values.whole_number),
    AfterValidator(values.between(1, MAX_SMTP_CONNECTIONS)),
]
KeyHours = Annotated[
    int,
    BeforeValidator(values.whole_number),
    AfterValidator(values.between(0, MAX_KEY_HOURS, ", a year")),
]
Days = Annotated[
    int, BeforeValidator(values.whole_number), AfterValidator(values.between(0, MAX_DAYS))
]
RequestBytes = Annotated[
    int, BeforeValidator(values.whole_number), AfterValidator(values.request_bytes)
]
Bytes = Annotated[
    int, BeforeValidator(values.whole_number), AfterValidator(values.between(0, 2**50))
]
WaitSeconds = Annotated[
    float,
    BeforeValidator(values.number),
    AfterValidator(values.between(0, MAX_SEND_WAIT_SECONDS)),
]
StatementSeconds = Annotated[
    float, BeforeValidator(values.number), AfterValidator(values.between(0.1, 300.0))
]
PhoneNumber = Annotated[Text, AfterValidator(values.phone_number)]
Rate = Annotated[float, BeforeValidator(values.number), AfterValidator(values.rate)]
StreamCount = Annotated[
    int, BeforeValidator(values.whole_number), AfterValidator(values.between(1, 100_000))
]
PerSecond = Annotated[
    float, BeforeValidator(values.number), AfterValidator(values.between(0.0, 1e9))
]
Connections = Annotated[
    int, BeforeValidator(values.whole_number), AfterValidator(values.between(16, 1_000_000))
]
GrpcBind = Annotated[Text, AfterValidator(binding.ip_or_socket)]
IpAddress = Annotated[Text, AfterValidator(values.ip_address)]
ApiAddresses = Annotated[Text, AfterValidator(values.listed(values.addresses))]
Origins = Annotated[Text, AfterValidator(values.listed(origins_in))]
DatabaseUrl = Annotated[Text, AfterValidator(values.database_url), Field(repr=False)]
SmtpUrl = Annotated[Text, AfterValidator(values.smtp_url), Field(repr=False)]
GatewayUrl = Annotated[Text, AfterValidator(values.gateway_url)]
PublicUrl = Annotated[Text, AfterValidator(values.public_url)]
MailFrom = Annotated[Text, AfterValidator(values.mail_from)]
LogLevel = Annotated[Text, AfterValidator(values.log_level)]
ServiceClaim = Annotated[Text, AfterValidator(values.claim_value)]
Secret = Annotated[Text, AfterValidator(values.bearer_token), Field(repr=False)]
WebhookSecrets = Annotated[
    Text, AfterValidator(values.listed(webhook_secrets_in)), Field(repr=False)
]
