"""Settings: from the environment, then `carillon.toml`, then defaults. A bad or unknown key refuses to start, by name."""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from email.utils import parseaddr
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from server.domain.origins import origins_in

_LOG = logging.getLogger(__name__)
PREFIX = "CARILLON_"
CONFIG_FILE = "carillon.toml"
MAX_DAYS = 36_500
MIN_RATE = 0.001
MAX_RATE = 100_000
"""Calls per second."""
DATABASE_SCHEMES = ("sqlite", "postgresql", "postgresql+asyncpg")
SMTP_SCHEMES = ("smtp", "smtps")
MAX_SMTP_CONNECTIONS = 100
GATEWAY_CHANNELS = ("sms", "push", "email")
MAX_KEY_HOURS = 8760
SECRET = {"secret": True}
"""Marks a setting whose value is never shown."""
# Not the ? and # of a query and a fragment: links go on where the URL ends.
_URL_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/@!$&'()*+,;=%\[\]-]{1,200}")
_VISIBLE = re.compile(r"[!-~]{1,4096}")
_DIGITS = re.compile(r"[0-9]{1,5}")
_HOST_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*")
_LINK_VALUE = re.compile(r"(tcp|udp|sctp)://")
_LINK_PORT = re.compile(r"CARILLON_(\w+_)?PORT(_[0-9]+_(TCP|UDP|SCTP))?")
_LINK_PART = re.compile(r"CARILLON_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_[0-9]+_(TCP|UDP|SCTP)_(PROTO|PORT|ADDR))")
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared, not bound


class Address(NamedTuple):
    """A host, by IP address (no brackets) or name, and a port."""

    host: str
    port: int


class ConfigError(Exception):
    """A setting is unknown or bad; the text names the key, where it came from, and why."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set. Each field is `CARILLON_<NAME>` in the environment and `<name>` in `carillon.toml`."""

    data_dir: Path = Path("var")
    """Where the embedded database, keys, the outbox and Envoy's files live."""
    database_url: str = ""
    """`sqlite:///path` or `postgresql://user:password@host/name`. Empty: `carillon.db` in the data directory."""
    bind: str = "127.0.0.1"
    """Address that REST and gRPC listen on. Envoy's admin page stays on loopback whatever this says."""
    rest_port: int = 8080
    """Port of the REST API (Envoy)."""
    grpc_port: int = 50051
    """Port of the gRPC API."""
    envoy_admin_port: int = 9901
    """Port of Envoy's admin page, on loopback."""
    api_addresses: str = ""
    """The API replicas behind the gateway, `host:port` each and commas between; an IPv6 address in brackets. A name stands for every
    address it resolves to. Empty: `grpc_port` on this host."""
    drain_seconds: int = 3
    """Seconds that `carillon api` goes on serving after it was told to stop and says so to health checks: more than a gateway needs to
    notice. Ours asks every second."""
    signing_key_file: str = ""
    """The Ed25519 key (PEM, PKCS #8) that signs tokens and unsubscribe links: the same for every process on one database. It has to exist.
    Empty: `keys/signing.pem` in the data directory; `carillon serve` makes it on its first start."""
    smtp_url: str = ""
    """`smtps://[user:password@]host[:port]` (TLS, verified; port 465) or `smtp://…` (STARTTLS, verified; port 587). Only a server on this
    host, by a loopback address or `localhost`, may go without STARTTLS. User and password are percent-encoded. Empty: email goes to the
    outbox."""
    smtp_connections: int = 20
    """Most connections of one dispatcher to the mail server at once, a quarter of which is kept for one-offs. As many mails may be in doubt
    after a crash. The default is that of Postfix for one destination (`default_destination_concurrency_limit`)."""
    sms_url: str = ""
    """HTTP gateway for sms (docs/providers.md), `https://host[:port]/path` (verified), or `http://` if it is on this host, by a loopback
    address or `localhost`. Without user, query or fragment. Empty: sms goes to the outbox."""
    sms_token: str = field(default="", repr=False, metadata=SECRET)
    """Bearer token for the gateway of `sms_url`. Empty: none is sent."""
    push_url: str = ""
    """HTTP gateway for push, like `sms_url`."""
    push_token: str = field(default="", repr=False, metadata=SECRET)
    """Bearer token for the gateway of `push_url`."""
    email_url: str = ""
    """HTTP gateway for email, like `sms_url`, instead of `smtp_url`."""
    email_token: str = field(default="", repr=False, metadata=SECRET)
    """Bearer token for the gateway of `email_url`."""
    webhook_key_hours: int = 0
    """How long these gateways remember an `Idempotency-Key`, in hours, delivering nothing twice under one. 0: they do not, so a message
    whose answer was lost stays unknown."""
    email_rate: float = 0.0
    """Calls per second for email, of all dispatchers on the database together; up to a quarter of a second's calls may begin at once. 0: no
    limit."""
    sms_rate: float = 0.0
    """The same for sms."""
    push_rate: float = 0.0
    """The same for push."""
    mail_from: str = "Carillon <carillon@localhost>"
    """The From header, and its address the envelope sender, of email."""
    public_url: str = ""
    """Where people reach the REST API, e.g. `https://mail.example.com`: the beginning of unsubscribe links. A path is kept, so that a proxy
    may serve the API below one. Empty: `http://<bind>:<rest_port>`, loopback if that is every address."""
    cors_origins: str = ""
    """Origins whose pages may call the REST API from a browser, such as `https://app.example.com`, with commas between; exact ones, no
    patterns. Empty: none."""
    retention_days: int = 90
    """Days that a message and its attempts are kept after it ended. Links to unsubscribe work as long. 0: for ever."""
    metrics_port: int = 0
    """Port on which a process with a dispatcher answers `GET /metrics`, for Prometheus; without a token, since it names nobody. 0: none."""
    metrics_bind: str = "127.0.0.1"
    """Address that the metrics listen on."""
    max_request_bytes: int = 128 * 1024 * 1024
    """Largest request accepted, in bytes. A million recipients are about 74 MB of JSON."""
    grpc_reflection: bool = True
    """Serve gRPC reflection, so that grpcurl works without proto files."""
    log_level: str = "info"
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
        return f"http://{self.host}:{self.rest_port}"

    @property
    def effective_api_addresses(self) -> tuple[Address, ...]:
        """Where the gateway finds API replicas. Raises ConfigError if `api_addresses` is bad."""
        if self.api_addresses:
            return _addresses("api_addresses", self.api_addresses)
        return (Address(self._reachable, self.grpc_port),)

    @property
    def effective_cors_origins(self) -> tuple[str, ...]:
        """The origins that are allowed. Raises ConfigError if `cors_origins` is bad."""
        try:
            return origins_in(self.cors_origins)
        except ValueError as error:
            raise ConfigError(f"{PREFIX}CORS_ORIGINS: {error}") from None

    @property
    def grpc_address(self) -> str:
        """Where a client on this host finds the gRPC API: host:port."""
        return f"{self.host}:{self.grpc_port}"

    @property
    def host(self) -> str:
        """Where a client on this host finds the service, as it is written in a URL."""
        return f"[{self._reachable}]" if ":" in self._reachable else self._reachable

    @property
    def _reachable(self) -> str:
        """Where a server that is bound to `bind` is reached from this host: loopback when it is bound to every address."""
        address = str(ipaddress.ip_address(self.bind))
        return _LOOPBACK.get(address, address)

    def verify(self) -> None:
        """Raises ConfigError for the first value that cannot work, naming its key."""
        _require(0 <= self.metrics_port <= 65535, "metrics_port", f"{self.metrics_port} is not a port (1 to 65535), or 0 for none")
        _require(_is_address(self.metrics_bind), "metrics_bind", f"{self.metrics_bind!r} is not an IP address")
        ports = {"rest_port": self.rest_port, "grpc_port": self.grpc_port, "envoy_admin_port": self.envoy_admin_port}
        for name, port in ports.items():
            _require(1 <= port <= 65535, name, f"{port} is not a port (1 to 65535)")
        _require(_is_address(self.bind), "bind", f"{self.bind!r} is not an IP address")
        _require(len(set(ports.values())) == len(ports), "rest_port", "rest_port, grpc_port and envoy_admin_port must differ")
        _addresses("api_addresses", self.api_addresses)
        _ = self.effective_cors_origins
        _require(0 <= self.drain_seconds <= 600, "drain_seconds", "must be from 0 to 600")
        if self.database_url:
            scheme = _split("database_url", self.database_url).scheme
            _require(scheme in DATABASE_SCHEMES, "database_url", f"must start with one of {', '.join(s + '://' for s in DATABASE_SCHEMES)}")
        if self.smtp_url:
            parts = _split("smtp_url", self.smtp_url)
            _require(parts.scheme in SMTP_SCHEMES, "smtp_url", f"must start with one of {', '.join(s + '://' for s in SMTP_SCHEMES)}")
            _require(bool(parts.hostname), "smtp_url", "names no host")
        _require(1 <= self.smtp_connections <= MAX_SMTP_CONNECTIONS, "smtp_connections", f"must be from 1 to {MAX_SMTP_CONNECTIONS}")
        for channel in GATEWAY_CHANNELS:
            self._verify_gateway(channel)
        _require(not (self.email_url and self.smtp_url), "email_url", "must not be set together with smtp_url")
        _require(0 <= self.webhook_key_hours <= MAX_KEY_HOURS, "webhook_key_hours", f"must be from 0 to {MAX_KEY_HOURS}, a year")
        for channel, rate in self.rates.items():
            _require(rate == 0 or MIN_RATE <= rate <= MAX_RATE, f"{channel}_rate", f"must be 0 or from {MIN_RATE} to {MAX_RATE}")
        _require("@" in parseaddr(self.mail_from)[1], "mail_from", "is not a mail address")
        if self.public_url:
            _require(_is_public_url(self.public_url), "public_url", "must be http(s):// and a host, without user, query or fragment")
        _require(0 <= self.retention_days <= MAX_DAYS, "retention_days", f"must be from 0 to {MAX_DAYS}")
        _require(self.max_request_bytes >= 1024, "max_request_bytes", "must be at least 1024")
        _require(self.log_level in ("debug", "info", "warning", "error"), "log_level", "must be debug, info, warning or error")

    def gateway(self, channel: str) -> tuple[str, str]:
        """The URL of the HTTP gateway for one of GATEWAY_CHANNELS, empty if none is set, and its token."""
        return getattr(self, f"{channel}_url"), getattr(self, f"{channel}_token")

    def _verify_gateway(self, channel: str) -> None:
        (url, token), key = self.gateway(channel), f"{channel}_url"
        if url:
            _require(_is_gateway_url(url), key, "must be https:// and a host (http:// only on this host), without user, query or fragment")
        _require(bool(url) or not token, f"{channel}_token", f"is set, but {key} is not")
        _require(not token or bool(_VISIBLE.fullmatch(token)), f"{channel}_token", "must be visible ASCII characters without spaces")


def load(environ: Mapping[str, str] = os.environ, directory: Path = Path()) -> Settings:
    """Reads and verifies the settings. Raises ConfigError naming the first key that is unknown or bad."""
    values = _from_file(directory / CONFIG_FILE) | _from_environment(environ)
    settings = Settings(**values)  # type: ignore[arg-type]  # each value was made by its field's own parser
    settings.verify()
    return settings


def _from_file(path: Path) -> dict[str, object]:
    if not path.exists():
        return {}
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    return {
        key: _parse(key, str(value).lower() if isinstance(value, bool) else str(value), f"{key} in {path}") for key, value in table.items()
    }


def _from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    ours = {name: value for name, value in sorted(environ.items()) if name.startswith(PREFIX)}
    links = [name for name, value in ours.items() if _is_service_link(name, value)]
    if links:
        _LOG.warning("ignored: variables that Kubernetes sets for a Service: %s", ", ".join(links))
    found = {name.removeprefix(PREFIX).lower(): name for name in ours if name not in links}
    return {key: _parse(key, ours[name], name) for key, name in found.items()}


def _is_service_link(name: str, value: str) -> bool:
    """Whether Kubernetes set it, for a Service named `carillon` or `carillon-…`. What is a setting's name too, such as that of
    `rest_port` for a Service `carillon-rest`, is known by its value."""
    if _LINK_VALUE.match(value):
        return _LINK_PORT.fullmatch(name) is not None
    return name.removeprefix(PREFIX).lower() not in _PARSERS and _LINK_PART.fullmatch(name) is not None


def _parse(key: str, text: str, origin: str) -> object:
    parser = _PARSERS.get(key)
    if parser is None:
        raise ConfigError(f"{origin}: unknown setting; known are {', '.join(sorted(_PARSERS))}")
    try:
        return parser(text)
    except ValueError as error:
        raise ConfigError(f"{origin}: {error}") from None


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text == "true"


def _is_public_url(url: str) -> bool:
    """Whether links can be built on it that fit between < and > in a header (RFC 2369)."""
    if not _URL_CHARACTERS.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return False


def _is_gateway_url(url: str) -> bool:
    """Whether requests can be sent to it, and nobody on the way can read them."""
    if not _is_public_url(url):
        return False
    parts = urlsplit(url)
    host = parts.hostname or ""
    return (_is_address(host) or _is_name(host)) and (parts.scheme == "https" or is_loopback(host))


def is_loopback(host: str) -> bool:
    """Whether it is this host itself, by address or by the name `localhost`."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _split(key: str, url: str) -> SplitResult:
    """The parts of a URL whose host and port can be read. The reason never quotes the URL, which may hold a password."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - it is read for its ValueError
    except ValueError:
        raise ConfigError(f"{PREFIX}{key.upper()}: is not a URL with a host and a port") from None
    return parts


def _addresses(key: str, text: str) -> tuple[Address, ...]:
    """The addresses in a list with commas; none in an empty text. Raises ConfigError for one that cannot be connected to, or is twice."""
    found: list[Address] = []
    for item in text.split(",") if text else ():
        address = _host_and_port(key, item.strip())
        _require(address not in found, key, f"{item.strip()!r} is there twice")
        found.append(address)
    return tuple(found)


def _host_and_port(key: str, text: str) -> Address:
    host, _, port = text.rpartition(":")
    _require(bool(host), key, f"{text!r} is not host:port")
    # A number of ASCII digits only: int() would take more.
    _require(bool(_DIGITS.fullmatch(port)) and 1 <= int(port) <= 65535, key, f"{text!r}: {port!r} is not a port (1 to 65535)")
    if host.startswith("[") and host.endswith("]"):
        _require(_is_address(host[1:-1]) and ":" in host and "%" not in host, key, f"{text!r}: {host!r} is not an IPv6 address")
        host = str(ipaddress.ip_address(host[1:-1]))
    elif _is_address(host):
        _require(":" not in host, key, f"{text!r}: write an IPv6 address in brackets, such as [::1]:50051")
    else:
        _require(_is_name(host), key, f"{text!r}: {host!r} is neither a host name nor an IP address")
        host = host.lower()
    _require(host not in _LOOPBACK, key, f"{text!r}: every address is none to connect to")
    return Address(host, int(port))


def _is_name(host: str) -> bool:
    """Whether it can be a host's name (RFC 1123, and underscores, which resolvers of containers take). Not one that ends in a number: that
    is an IP address with a mistake (RFC 3696)."""
    return bool(_HOST_NAME.fullmatch(host)) and not host.rpartition(".")[2].isdigit()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _require(holds: bool, key: str, reason: str) -> None:
    if not holds:
        raise ConfigError(f"{PREFIX}{key.upper()}: {reason}")


_BY_TYPE: dict[str, Callable[[str], object]] = {"int": _integer, "float": _number, "bool": _boolean, "str": str, "Path": Path}
_PARSERS = {each.name: _BY_TYPE[str(each.type)] for each in fields(Settings)}
SECRETS = frozenset(each.name for each in fields(Settings) if each.metadata == SECRET)
"""Names of the settings whose values are never shown."""
