"""The settings: their types, their defaults, and the rules between them."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from server.config import binding, values
from server.config.kinds import (
    ApiAddresses,
    Bytes,
    Connections,
    DatabaseUrl,
    Days,
    DrainSeconds,
    Flag,
    GatewayUrl,
    GrpcBind,
    IpAddress,
    KeyHours,
    LogLevel,
    MailFrom,
    Name,
    OptionalPort,
    Origins,
    PerSecond,
    PhoneNumber,
    Port,
    PublicUrl,
    Rate,
    RequestBytes,
    Secret,
    ServiceClaim,
    SmtpConnections,
    SmtpUrl,
    StatementSeconds,
    StreamCount,
    Text,
    WaitSeconds,
    WebhookSecrets,
)
from server.config.origins import origins_in
from server.config.values import Address

PREFIX = "CARILLON_"
CONFIG_FILE = "carillon.toml"
GATEWAY_CHANNELS = ("sms", "push", "email")


class ImpossibleError(ValueError):
    """Settings that are each right and cannot be together; `key` is the one to change."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(reason)
        self.key = key


class Settings(BaseSettings):
    """Everything that can be set. Each field is `CARILLON_<NAME>` in the environment and `<name>`
    in `carillon.toml`.

    Made by `load` for a process; made directly it has the values given, and nothing of the
    environment.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    data_dir: Path = Path("var")
    """Where the embedded database, keys, the outbox and Envoy's files live."""
    database_url: DatabaseUrl = ""
    """`sqlite:///path` or `postgresql://user:password@host/name`. Empty: `carillon.db` in the data
    directory."""
    bind: IpAddress = "127.0.0.1"
    """Address of the gateway: REST, and gRPC through it. Envoy's admin page is a Unix socket,
    `envoy/admin.sock` in the data directory, whatever this says."""
    rest_port: Port = 8080
    """Port of the REST API (Envoy)."""
    grpc_port: Port = 50051
    """Port of the gRPC API itself; the gateway takes gRPC calls on the port of REST too."""
    grpc_bind: GrpcBind = "127.0.0.1"
    """Address that the gRPC API itself listens on, whatever `bind` says: an IP address that the
    gateways reach, or `unix:` and the absolute path of a socket for its owner alone."""
    max_connections: Connections = 10_000
    """Most connections at once to the gateway, and as many to the gRPC API itself; fewer where the
    limit on open files is lower. From half of them on, the gateway closes idle ones sooner: after
    300 s at first, after 1 s when nine tenths are taken."""
    tls_cert: Text = ""
    """The certificate (PEM, with its chain) that the gateway and the port of the gRPC API show.
    Both look for a new one by themselves (docs/deploy.md#tls). Empty: they do not speak TLS."""
    tls_key: Text = ""
    """The private key of `tls_cert` (PEM), in a file for its owner alone."""
    tls_client_ca: Text = ""
    """Authorities (PEM) of which every client must show a certificate. Empty: clients need none."""
    api_ca: Text = ""
    """Authorities (PEM) of the certificates that the replicas in `api_addresses` show; the gateway
    shows `tls_cert` to those that ask. Empty: the gateway does not speak TLS with them."""
    api_addresses: ApiAddresses = ""
    """The API replicas behind the gateway, `host:port` each and commas between; an IPv6 address in
    brackets. A name stands for every address it resolves to. Empty: `grpc_port` on this host."""
    drain_seconds: DrainSeconds = 3
    """Seconds that `carillon api` goes on serving after it was told to stop and says so to health
    checks: more than a gateway needs to notice. Ours asks every second."""
    signing_key_file: Text = ""
    """The Ed25519 key (PEM, PKCS #8) that signs tokens: the same for every process on one
    database. It has to exist, readable by its owner alone. Later keys are beside it,
    in a directory of its name without `.pem` (docs/identity.md). Empty: `keys/signing.pem` in the
    data directory; `carillon serve` makes it on its first start."""
    link_key_file: Text = ""
    """The keys of unsubscribe links, each a line of base64url of 32 bytes, the newest last: the
    same for every process on one database. It has to exist. Empty: `links.key` beside the signing
    key; `carillon serve` makes it beside one that it has made. Where there is none, links are of a
    key derived from the oldest signing key."""
    token_issuer: Name = "carillon"  # noqa: S105  # no secret
    """`iss` of the tokens that this installation makes and takes: another one for each, so that the
    tokens of one are nothing to another even if they share a key."""
    token_audience: Name = "carillon"  # noqa: S105
    """`aud` of the same tokens."""
    scopes_file: Text = ""
    """A TOML file of scopes to ask for in place of those of the protos, by method
    (docs/deploy.md#scopes-of-your-own). It has to be right: with an unknown method or a bad scope
    nothing starts. Empty: the protos' (docs/scopes.md)."""
    jwks_url: GatewayUrl = ""
    """Where an issuer has its public keys (JWKS), `https://…`, or `http://` on this host: its JWTs
    are taken besides the tokens of this installation (docs/identity.md). Empty: none are."""
    jwks_file: Text = ""
    """The same keys in a file, instead of `jwks_url`. It is read again when a token names a key
    that is not known."""
    jwt_issuer: Text = ""
    """`iss` of the issuer's JWTs."""
    jwt_audience: Text = ""
    """What `aud` of the issuer's JWTs must name: this service, as the issuer knows it."""
    introspection_url: GatewayUrl = ""
    """Where an identity service says what an opaque token is (RFC 7662), like `jwks_url`. Empty:
    opaque tokens are not taken."""
    introspection_client_id: Text = ""
    """Client id of this service at the identity service. Empty: it asks without."""
    introspection_client_secret: Secret = ""
    """The client's secret."""
    introspection_audience: Text = ""
    """What `aud` of the identity service's answer must name. Empty: anything; then every token that
    is active there is taken here."""
    claim_subject: Name = "sub"
    """The claim of issuer and identity service that has the subject. Parts between dots lead into
    nested claims, unless there is a claim of the whole name."""
    claim_brands: Name = "brands"
    """The claim that has the brands: a list, or one."""
    claim_scopes: Name = "scope"
    """The claim that has the scopes: a list, or a text with spaces between."""
    service_claim: ServiceClaim = ""
    """The claim and the value that only services have, `name=value`; of a list, one of its values.
    Empty: everybody whom issuer and identity service know is a person."""
    vapid_key_file: Text = ""
    """The P-256 key (PEM, PKCS #8) by which push services know this installation: the same for
    every process on one database. It has to exist. Browsers subscribe with its public half, so
    another key ends every subscription. Empty: `keys/vapid.pem` in the data directory; `carillon
    serve` makes it on its first start. A process that finds neither does without Web Push."""
    smtp_url: SmtpUrl = ""
    """`smtps://[user:password@]host[:port]` (TLS, verified; port 465) or `smtp://…` (STARTTLS,
    verified; port 587). Only a server on this host, by a loopback address or `localhost`, may go
    without STARTTLS. User and password are percent-encoded. Empty: email goes to the outbox."""
    smtp_connections: SmtpConnections = 20
    """Most connections of one dispatcher to the mail server at once, a quarter of which is kept for
    one-offs. As many mails may be in doubt after a crash, and up to four times as many if it takes
    less time for a mail than the database for a commit. The default is that of Postfix for one
    destination (`default_destination_concurrency_limit`)."""
    sms_url: GatewayUrl = ""
    """HTTP gateway for sms (docs/providers.md), `https://host[:port]/path` (verified), or `http://`
    if it is on this host, by a loopback address or `localhost`. Without user, query or fragment.
    Empty: sms goes to the outbox."""
    sms_token: Secret = ""
    """Bearer token for the gateway of `sms_url`. Empty: none is sent."""
    sms_canary_number: PhoneNumber = ""
    """The phone number that `POST /v1/admin/sla/sms-ping` sends to, in E.164 form. Empty: it
    refuses to."""
    sms_canary_seconds: WaitSeconds = 30.0
    """Longest that it waits for the delivery, in seconds; the deadline of the call if that is
    sooner. 0: it answers at once."""
    push_url: GatewayUrl = ""
    """HTTP gateway for push, like `sms_url`."""
    push_token: Secret = ""
    """Bearer token for the gateway of `push_url`."""
    email_url: GatewayUrl = ""
    """HTTP gateway for email, like `sms_url`, instead of `smtp_url`."""
    email_token: Secret = ""
    """Bearer token for the gateway of `email_url`."""
    email_webhook_secrets: WebhookSecrets = ""
    """Secrets that mail providers sign their events with (docs/webhooks.md): `brand=whsec_…`,
    commas between; a brand has two of them while its secret is replaced. Empty: events of no brand
    are taken."""
    webhook_key_hours: KeyHours = 0
    """How long these gateways remember an `Idempotency-Key`, in hours, delivering nothing twice
    under one. 0: they do not, so a message whose answer was lost stays unknown."""
    email_rate: Rate = 0.0
    """Calls per second for email, of all dispatchers on the database together; up to a quarter of a
    second's calls may begin at once. 0: no limit."""
    sms_rate: Rate = 0.0
    """The same for sms."""
    push_rate: Rate = 0.0
    """The same for push."""
    mail_from: MailFrom = "Carillon <carillon@localhost>"
    """The From header, and its address the envelope sender, of email."""
    public_url: PublicUrl = ""
    """Where people reach the REST API, e.g. `https://mail.example.com`: the beginning of
    unsubscribe links. A path is kept, so that a proxy may serve the API below one. Empty:
    `http://<bind>:<rest_port>`, loopback if that is every address."""
    cors_origins: Origins = ""
    """Origins whose pages may call the REST API from a browser, such as `https://app.example.com`,
    with commas between; exact ones, no patterns. Empty: none."""
    retention_days: Days = 90
    """Days that a message and its attempts are kept after it ended. Links to unsubscribe work as
    long. 0: for ever."""
    metrics_port: OptionalPort = 0
    """Port on which a process with a dispatcher answers `GET /metrics`, for Prometheus; without a
    token, since it names nobody. 0: none."""
    metrics_bind: IpAddress = "127.0.0.1"
    """Address that the metrics listen on."""
    watchers_per_caller: StreamCount = 100
    """Streams (WatchSend, WatchInbox, WatchNotifications) that one caller may have open with one
    API process."""
    brand_requests: PerSecond = 0.0
    """Requests a second that a brand may make of one API process (docs/limits.md), unless its
    policy says otherwise; the same as a burst. 0: no limit."""
    brand_rows: PerSecond = 0.0
    """The same for the recipients, people, messages and suppressions in lists of its requests; ten
    seconds' worth as a burst."""
    brand_bytes: PerSecond = 0.0
    """The same for the bytes of what one dispatcher process renders to go out; more waits."""
    min_free_disk: Bytes = 256 * 1024 * 1024
    """Bytes that must be free on the disks of the embedded database and the data directory for
    anything new to be taken or delivered (docs/limits.md#a-full-disk). 0: it is not watched."""
    read_seconds: StatementSeconds = 30.0
    """Longest that the database may work at one read of a call, in seconds; then it is stopped, and
    the call refused with `deadline_exceeded`. It is stopped as well when its caller has gone."""
    preview_seconds: StatementSeconds = 5.0
    """The same for previews of segments, predicates and campaigns, which have connections of their
    own. A brand has one of them at a time."""
    send_wait_seconds: WaitSeconds = 2.0
    """Longest that `POST /v1/messages/send` waits for what becomes of its message, in seconds; the
    deadline of the call if that is sooner. 0: it answers at once."""
    max_request_bytes: RequestBytes = 128 * 1024 * 1024
    """Largest request accepted, in bytes. A million recipients are about 74 MB of JSON. Most
    methods take 1 MiB at most, whatever this says; what each takes is in the protos."""
    grpc_reflection: Flag = True
    """Serve gRPC reflection, so that grpcurl works without proto files."""
    log_level: LogLevel = "info"
    """`debug`, `info`, `warning` or `error`."""

    @property
    def effective_database_url(self) -> str:
        """The database to use: `database_url`, or SQLite in the data directory."""
        return self.database_url or f"sqlite:///{self.data_dir / 'carillon.db'}"

    @property
    def rates(self) -> dict[str, float]:
        """Calls per second by channel; 0 for those without a limit."""
        return {"email": self.email_rate, "sms": self.sms_rate, "push": self.push_rate}

    @property
    def is_embedded(self) -> bool:
        """Whether the database is a file, which one process owns."""
        return self.effective_database_url.startswith("sqlite:")

    @property
    def effective_public_url(self) -> str:
        """The URL to build links on, without a slash at its end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        return self.rest_address

    @property
    def rest_address(self) -> str:
        """Where a client on this host finds the REST API: scheme, host and port."""
        return f"{'https' if self.tls_cert else 'http'}://{self.host}:{self.rest_port}"

    @property
    def effective_api_addresses(self) -> tuple[Address, ...]:
        """Where the gateway finds API replicas."""
        return values.addresses(self.api_addresses) or (
            Address(binding.reached(self.grpc_bind), self.grpc_port),
        )

    @property
    def effective_cors_origins(self) -> tuple[str, ...]:
        """The origins that are allowed."""
        return origins_in(self.cors_origins)

    @property
    def grpc_address(self) -> str:
        """Where a client on this host finds the gRPC API: host:port, or `unix:` and a path."""
        if self.grpc_socket:
            return self.grpc_bind
        return f"{binding.in_url(binding.reached(self.grpc_bind))}:{self.grpc_port}"

    @property
    def grpc_listen(self) -> str:
        """Where the gRPC API listens: host:port, or `unix:` and a path."""
        return (
            self.grpc_bind
            if self.grpc_socket
            else f"{binding.in_url(self.grpc_bind)}:{self.grpc_port}"
        )

    @property
    def grpc_socket(self) -> str:
        """The path of the gRPC API's Unix socket; empty if it has a port."""
        return self.grpc_bind.partition(binding.UNIX)[2]

    @property
    def host(self) -> str:
        """Where a client on this host finds the service, as it is written in a URL."""
        return binding.in_url(binding.reached(self.bind))

    def gateway(self, channel: str) -> tuple[str, str]:
        """The URL of the HTTP gateway for one of GATEWAY_CHANNELS, empty if none is set, and its
        token."""
        return getattr(self, f"{channel}_url"), getattr(self, f"{channel}_token")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - all of them are the library's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is made with: `load` reads the other sources, and says where a bad value
        came from."""
        return (init_settings,)

    @model_validator(mode="after")
    def _can_be_together(self) -> Self:
        if self.rest_port == self.grpc_port:
            raise ImpossibleError("rest_port", "rest_port and grpc_port must differ")
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ImpossibleError("tls_cert", "must be set together with tls_key")
        if self.tls_client_ca and not self.tls_cert:
            raise ImpossibleError("tls_client_ca", "is set, but tls_cert is not")
        if self.api_ca and not self.api_addresses:
            raise ImpossibleError("api_ca", "is set, but api_addresses is not")
        for channel in GATEWAY_CHANNELS:
            url, token = self.gateway(channel)
            if token and not url:
                raise ImpossibleError(f"{channel}_token", f"is set, but {channel}_url is not")
        self._identity_can_be()
        if self.email_url and self.smtp_url:
            raise ImpossibleError("email_url", "must not be set together with smtp_url")
        return self

    def _identity_can_be(self) -> None:
        if self.jwks_url and self.jwks_file:
            raise ImpossibleError("jwks_file", "must not be set together with jwks_url")
        for key in ("jwt_issuer", "jwt_audience"):
            if bool(getattr(self, key)) != bool(self.jwks_url or self.jwks_file):
                raise ImpossibleError(key, "goes with jwks_url or jwks_file, and they with it")
        if self.jwt_issuer == self.token_issuer:
            raise ImpossibleError("jwt_issuer", "must not be token_issuer")
        for key, needed in (
            ("introspection_client_id", "introspection_url"),
            ("introspection_client_secret", "introspection_client_id"),
            ("introspection_audience", "introspection_url"),
        ):
            if getattr(self, key) and not getattr(self, needed):
                raise ImpossibleError(key, f"is set, but {needed} is not")


BY_FILE = frozenset(name for name, field in Settings.model_fields.items() if not field.repr)
"""Names of the settings that a file of their own may hold (server/config/secret_files.py)."""
SECRETS = BY_FILE - {"database_url", "smtp_url"}
"""Those whose values are never shown; of these two, only the password is a secret."""
