"""Settings: where they come from, and what refuses to start."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from server.config import CONFIG_FILE, ConfigError, Settings, load
from server.config.webhook_secrets import webhook_secrets_in

# Every key with a value of its own: as text of the environment, as TOML, and as it is read.
EVERY_KEY: dict[str, tuple[str, str, object]] = {
    "data_dir": ("/srv/data", '"/srv/data"', Path("/srv/data")),
    "database_url": ("postgresql://u:p@db/x", '"postgresql://u:p@db/x"', "postgresql://u:p@db/x"),
    "bind": ("0.0.0.0", '"0.0.0.0"', "0.0.0.0"),  # noqa: S104 - a value to read
    "grpc_bind": ("unix:/run/c.sock", '"unix:/run/c.sock"', "unix:/run/c.sock"),
    "max_connections": ("100", "100", 100),
    "tls_cert": ("/etc/c.pem", '"/etc/c.pem"', "/etc/c.pem"),
    "tls_key": ("/etc/k.pem", '"/etc/k.pem"', "/etc/k.pem"),
    "tls_client_ca": ("/etc/ca.pem", '"/etc/ca.pem"', "/etc/ca.pem"),
    "api_ca": ("/etc/ca.pem", '"/etc/ca.pem"', "/etc/ca.pem"),
    "rest_port": ("8081", "8081", 8081),
    "grpc_port": ("50052", "50052", 50052),
    "api_addresses": (
        "10.0.0.1:50051,[2001:db8::1]:50051",
        '"10.0.0.1:50051,[2001:db8::1]:50051"',
        "10.0.0.1:50051,[2001:db8::1]:50051",
    ),
    "drain_seconds": ("20", "20", 20),
    "vapid_key_file": (
        "/etc/carillon/vapid.pem",
        '"/etc/carillon/vapid.pem"',
        "/etc/carillon/vapid.pem",
    ),
    "signing_key_file": (
        "/etc/carillon/signing.pem",
        '"/etc/carillon/signing.pem"',
        "/etc/carillon/signing.pem",
    ),
    "scopes_file": (
        "/etc/carillon/scopes.toml",
        '"/etc/carillon/scopes.toml"',
        "/etc/carillon/scopes.toml",
    ),
    "smtp_url": (
        "smtps://mail.example.com",
        '"smtps://mail.example.com"',
        "smtps://mail.example.com",
    ),
    "smtp_connections": ("50", "50", 50),
    "sms_url": ("https://sms.example/v1", '"https://sms.example/v1"', "https://sms.example/v1"),
    "sms_token": ("a~1", '"a~1"', "a~1"),
    "sms_canary_number": ("+12025550100", '"+12025550100"', "+12025550100"),
    "sms_canary_seconds": ("12.5", "12.5", 12.5),
    "push_url": (
        "http://localhost:8000/push",
        '"http://localhost:8000/push"',
        "http://localhost:8000/push",
    ),
    "push_token": ("b~2", '"b~2"', "b~2"),
    "email_url": ("https://mail.example", '"https://mail.example"', "https://mail.example"),
    "email_token": ("c~3", '"c~3"', "c~3"),
    "email_webhook_secrets": (
        f"acme=whsec_{'A' * 32}",
        f'"acme=whsec_{"A" * 32}"',
        f"acme=whsec_{'A' * 32}",
    ),
    "link_key_file": ("/etc/links.key", '"/etc/links.key"', "/etc/links.key"),
    "jwks_url": (
        "https://id.example/keys",
        '"https://id.example/keys"',
        "https://id.example/keys",
    ),
    "jwks_file": ("/etc/jwks.json", '"/etc/jwks.json"', "/etc/jwks.json"),
    "jwt_issuer": ("https://id.example", '"https://id.example"', "https://id.example"),
    "jwt_audience": ("carillon-1", '"carillon-1"', "carillon-1"),
    "introspection_url": (
        "https://id.example/ask",
        '"https://id.example/ask"',
        "https://id.example/ask",
    ),
    "introspection_client_id": ("us", '"us"', "us"),
    "introspection_client_secret": ("s3cret", '"s3cret"', "s3cret"),
    "introspection_audience": ("carillon-1", '"carillon-1"', "carillon-1"),
    "claim_subject": ("uid", '"uid"', "uid"),
    "claim_brands": ("app.brands", '"app.brands"', "app.brands"),
    "claim_scopes": ("scp", '"scp"', "scp"),
    "service_claim": ("typ=service", '"typ=service"', "typ=service"),
    "token_issuer": ("https://c.example", '"https://c.example"', "https://c.example"),
    "token_audience": ("c-1", '"c-1"', "c-1"),
    "webhook_key_hours": ("24", "24", 24),
    "email_rate": ("2.5", "2.5", 2.5),
    "sms_rate": ("10", "10", 10.0),
    "push_rate": ("0.5", "0.5", 0.5),
    "mail_from": ("Us <us@example.com>", '"Us <us@example.com>"', "Us <us@example.com>"),
    "public_url": ("https://example.com/c", '"https://example.com/c"', "https://example.com/c"),
    "cors_origins": (
        "https://app.example.com",
        '"https://app.example.com"',
        "https://app.example.com",
    ),
    "retention_days": ("30", "30", 30),
    "metrics_port": ("9102", "9102", 9102),
    "metrics_bind": ("10.0.0.11", '"10.0.0.11"', "10.0.0.11"),
    "watchers_per_caller": ("20", "20", 20),
    "brand_requests": ("200", "200", 200.0),
    "min_free_disk": ("1000000", "1000000", 1_000_000),
    "brand_rows": ("5000", "5000", 5000.0),
    "brand_bytes": ("1000000", "1000000", 1000000.0),
    "read_seconds": ("20", "20", 20.0),
    "preview_seconds": ("2.5", "2.5", 2.5),
    "send_wait_seconds": ("0.5", "0.5", 0.5),
    "max_request_bytes": ("2048", "2048", 2048),
    "grpc_reflection": ("false", "false", False),
    "log_level": ("debug", '"debug"', "debug"),
}


# What a key cannot be set without.
NEEDS = {
    "sms_token": ("sms_url",),
    "tls_cert": ("tls_key",),
    "tls_key": ("tls_cert",),
    "tls_client_ca": ("tls_cert", "tls_key"),
    "api_ca": ("api_addresses",),
    "push_token": ("push_url",),
    "email_token": ("email_url",),
    "jwks_url": ("jwt_issuer", "jwt_audience"),
    "jwks_file": ("jwt_issuer", "jwt_audience"),
    "jwt_issuer": ("jwks_url", "jwt_audience"),
    "jwt_audience": ("jwks_url", "jwt_issuer"),
    "introspection_client_id": ("introspection_url",),
    "introspection_client_secret": ("introspection_url", "introspection_client_id"),
    "introspection_audience": ("introspection_url",),
}


def with_its_needs(key: str) -> dict[str, tuple[str, str, object]]:
    return {each: EVERY_KEY[each] for each in (key, *NEEDS.get(key, ()))}


def variable(key: str) -> str:
    return f"CARILLON_{key.upper()}"


def write(directory: Path, text: str) -> None:
    (directory / CONFIG_FILE).write_text(text)
    (directory / CONFIG_FILE).chmod(0o600)


def refusal(environ: dict[str, str], directory: Path = Path("/nowhere")) -> str:
    with pytest.raises(ConfigError) as refused:
        load(environ, directory)
    return str(refused.value)


def test_every_key_is_tested_here() -> None:
    assert set(Settings.model_fields) == set(EVERY_KEY)


def test_without_anything_there_are_defaults(tmp_path: Path) -> None:
    assert load({}, tmp_path) == Settings()
    assert Settings().effective_database_url == "sqlite:///var/carillon.db"


@pytest.mark.parametrize("key", EVERY_KEY)
def test_a_key_is_read_from_the_environment(key: str, tmp_path: Path) -> None:
    keys = with_its_needs(key)
    # The values have the types of the fields.
    expected = Settings(**{each: value for each, (_, _, value) in keys.items()})  # type: ignore[arg-type]
    assert load({variable(each): text for each, (text, _, _) in keys.items()}, tmp_path) == expected


@pytest.mark.parametrize("key", EVERY_KEY)
def test_a_key_is_read_from_the_file(key: str, tmp_path: Path) -> None:
    keys = with_its_needs(key)
    # The values have the types of the fields.
    expected = Settings(**{each: value for each, (_, _, value) in keys.items()})  # type: ignore[arg-type]
    write(tmp_path, "".join(f"{each} = {toml}\n" for each, (_, toml, _) in keys.items()))
    assert load({}, tmp_path) == expected


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    write(tmp_path, "rest_port = 8081\ngrpc_port = 50052\n")
    settings = load({"CARILLON_REST_PORT": "8082"}, tmp_path)
    assert (settings.rest_port, settings.grpc_port) == (8082, 50052)


def test_variables_of_others_are_none_of_ours(tmp_path: Path) -> None:
    assert load({"PATH": "/bin", "REST_PORT": "x", "CARILLONX": "y"}, tmp_path) == Settings()


@pytest.mark.parametrize("name", ["CARILLON_RESTPORT", "CARILLON_", "CARILLON_REST_PORT_"])
def test_an_unknown_variable_is_named_with_those_that_are_known(name: str) -> None:
    text = refusal({name: "1"})
    assert text.startswith(f"{name}: unknown setting; known are ")
    assert all(key in text for key in EVERY_KEY)


def test_an_unknown_key_of_the_file_is_named_with_its_file(tmp_path: Path) -> None:
    write(tmp_path, "[database]\nurl = 'x'\n")
    assert refusal({}, tmp_path).startswith(
        f"database in {tmp_path / CONFIG_FILE}: unknown setting"
    )


@pytest.mark.parametrize("content", [b"rest_port 8081", b"rest_port = \n", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / CONFIG_FILE).write_bytes(content)
    assert refusal({}, tmp_path).startswith(f"{tmp_path / CONFIG_FILE}: not valid TOML")


@pytest.mark.parametrize(
    ("key", "text", "reason"),
    [
        ("rest_port", "http", "'http' is not a whole number"),
        ("rest_port", "", "'' is not a whole number"),
        ("grpc_port", "1.5", "'1.5' is not a whole number"),
        ("max_request_bytes", "1M", "'1M' is not a whole number"),
        ("grpc_reflection", "yes", "'yes' is neither true nor false"),
        ("grpc_reflection", "True", "'True' is neither true nor false"),
    ],
)
def test_a_value_of_the_wrong_type_names_its_variable(key: str, text: str, reason: str) -> None:
    assert refusal({variable(key): text}) == f"{variable(key)}: {reason}"


def test_a_value_of_the_wrong_type_in_the_file_names_its_file(tmp_path: Path) -> None:
    write(tmp_path, "rest_port = [8081]\n")
    assert (
        refusal({}, tmp_path)
        == f"rest_port in {tmp_path / CONFIG_FILE}: '[8081]' is not a whole number"
    )


@pytest.mark.parametrize(
    ("key", "text", "reason"),
    [
        ("rest_port", "0", "0 is not a port"),
        ("grpc_port", "65536", "65536 is not a port"),
        ("grpc_port", "-1", "-1 is not a port"),
        ("database_url", "mysql://db/x", "must start with one of sqlite://, postgresql://"),
        ("database_url", "carillon.db", "must start with one of"),
        ("database_url", "postgresql://u:p@[::1/x", "is not a URL with a host and a port"),
        ("database_url", "postgresql://u:p@db:port/x", "is not a URL with a host and a port"),
        ("smtp_url", "http://mail", "must start with one of smtp://, smtps://"),
        ("smtp_url", "smtp://", "names no host"),
        ("smtp_url", "smtp://user:password@", "names no host"),
        ("smtp_connections", "0", "must be from 1 to 100"),
        ("smtp_connections", "101", "must be from 1 to 100"),
        ("smtp_url", "smtps://user:password@mail:99999", "is not a URL with a host and a port"),
        ("smtp_url", "smtp://user:password@[mail", "is not a URL with a host and a port"),
        ("api_addresses", "10.0.0.1", "'10.0.0.1' is not host:port"),
        ("api_addresses", ":50051", "':50051' is not host:port"),
        ("api_addresses", "api-1:50051,", "'' is not host:port"),
        ("api_addresses", "api-1:", "'api-1:': '' is not a port"),
        ("api_addresses", "api-1:grpc", "'api-1:grpc': 'grpc' is not a port"),
        ("api_addresses", "api-1:0", "'api-1:0': '0' is not a port"),
        ("api_addresses", "api-1:65536", "'api-1:65536': '65536' is not a port"),
        ("api_addresses", "api-1:٥", "'api-1:٥': '٥' is not a port"),
        ("api_addresses", "::1:50051", "'::1:50051': write an IPv6 address in brackets"),
        (
            "api_addresses",
            "[10.0.0.1]:50051",
            "'[10.0.0.1]:50051': '[10.0.0.1]' is not an IPv6 address",
        ),
        (
            "api_addresses",
            "[fe80::1%eth0]:50051",
            "'[fe80::1%eth0]:50051': '[fe80::1%eth0]' is not an IPv6 address",
        ),
        (
            "api_addresses",
            "10.0.0.256:50051",
            "'10.0.0.256:50051': '10.0.0.256' is neither a host name nor an IP address",
        ),
        (
            "api_addresses",
            "http://api-1:50051",
            "'http://api-1:50051': 'http://api-1' is neither a host name nor an IP address",
        ),
        ("api_addresses", "api 1:50051", "'api 1:50051': 'api 1' is neither"),
        ("api_addresses", "0.0.0.0:50051", "'0.0.0.0:50051': every address is none to connect to"),
        ("api_addresses", "[0::0]:50051", "'[0::0]:50051': every address is none to connect to"),
        ("api_addresses", "api-1:50051, API-1:50051", "'API-1:50051' is there twice"),
        ("api_addresses", "[::1]:50051,[0:0::1]:50051", "'[0:0::1]:50051' is there twice"),
        ("drain_seconds", "-1", "must be from 0 to 600"),
        ("drain_seconds", "601", "must be from 0 to 600"),
        ("sms_url", "http://sms.example", "must be https:// and a host"),
        ("sms_url", "http://10.0.0.1", "must be https:// and a host"),
        ("sms_url", "http://localhost.example", "must be https:// and a host"),
        ("push_url", "sms.example", "must be https:// and a host"),
        ("push_url", "ftp://localhost", "must be https:// and a host"),
        ("push_url", "https://", "must be https:// and a host"),
        ("push_url", "https://a..b", "must be https:// and a host"),
        ("push_url", "https://push.example:99999", "must be https:// and a host"),
        ("email_url", "https://user:password@mail.example", "must be https:// and a host"),
        ("email_url", "https://mail.example?key=password", "must be https:// and a host"),
        ("email_url", "https://mail.example#password", "must be https:// and a host"),
        ("sms_token", "password", "is set, but sms_url is not"),
        ("email_webhook_secrets", "password", "must be brand=whsec_… each, with commas between"),
        ("email_webhook_secrets", "=whsec_password", "must be brand=whsec_… each"),
        ("email_webhook_secrets", "acme=whsec_password,", "a secret of 'acme' is not 24 to 64"),
        ("email_webhook_secrets", "acme=whsec_password!", "a secret of 'acme' is not base64"),
        (
            "email_webhook_secrets",
            ",".join([f"acme=whsec_{'A' * 32}"] * 3),
            "'acme' has more than 2 secrets",
        ),
        ("sms_canary_number", "12025550100", "must be a phone number in E.164 form"),
        ("sms_canary_seconds", "31", "must be from 0 to 30"),
        ("webhook_key_hours", "-1", "must be from 0 to 8760"),
        ("webhook_key_hours", "8761", "must be from 0 to 8760"),
        ("email_rate", "-1", "must be 0 or from 0.001 to 100000"),
        ("sms_rate", "nan", "must be 0 or from 0.001 to 100000"),
        ("push_rate", "inf", "must be 0 or from 0.001 to 100000"),
        ("push_rate", "many", "'many' is not a number"),
        ("cors_origins", "https://app.example.com, *", "'*' is not an origin as browsers send it"),
        (
            "cors_origins",
            "https://app.example.com/",
            "'https://app.example.com/' is not an origin as browsers send it",
        ),
        ("retention_days", "-1", "must be from 0 to 36500"),
        ("retention_days", "36501", "must be from 0 to 36500"),
        ("mail_from", "nobody", "is not a mail address"),
        ("max_request_bytes", "1023", "must be at least 1024"),
        ("log_level", "verbose", "must be debug, info, warning or error"),
    ],
)
def test_a_value_that_cannot_work_names_its_key_and_reason(
    key: str, text: str, reason: str
) -> None:
    told = refusal({variable(key): text})
    assert told.startswith(f"{variable(key)}: {reason}")
    assert "password" not in told


def test_ports_must_differ() -> None:
    same = {variable("rest_port"): "9000", variable("grpc_port"): "9000"}
    assert "must differ" in refusal(same)


@pytest.mark.parametrize(
    "url",
    [
        "https://sms.example",
        "https://SMS.example:8443/a/b%20c",
        "https://[2001:db8::1]/",
        "http://127.0.0.1:80/x",
        "http://[::1]:8000",
    ],
)
def test_gateways_that_may_be(url: str, tmp_path: Path) -> None:
    assert load({"CARILLON_SMS_URL": url, "CARILLON_SMS_TOKEN": "t"}, tmp_path).gateway("sms") == (
        url,
        "t",
    )


@pytest.mark.parametrize("token", ["pass word", "password\r\nX: y", "pässword", " "])
def test_a_token_that_could_not_be_in_a_header_is_refused_without_showing_it(token: str) -> None:
    told = refusal({"CARILLON_PUSH_URL": "https://push.example", "CARILLON_PUSH_TOKEN": token})
    assert told == "CARILLON_PUSH_TOKEN: must be visible ASCII characters without spaces"


def test_email_has_one_way_out() -> None:
    told = refusal(
        {"CARILLON_EMAIL_URL": "https://mail.example", "CARILLON_SMTP_URL": "smtps://mail.example"}
    )
    assert told == "CARILLON_EMAIL_URL: must not be set together with smtp_url"


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        (
            {"JWKS_URL": "https://id.example/k", "JWKS_FILE": "k", "JWT_ISSUER": "i"},
            "CARILLON_JWKS_FILE: must not be set together with jwks_url",
        ),
        (
            {"JWKS_URL": "https://id.example/k", "JWT_ISSUER": "i"},
            "CARILLON_JWT_AUDIENCE: goes with jwks_url or jwks_file, and they with it",
        ),
        (
            {"JWT_ISSUER": "i", "JWT_AUDIENCE": "a"},
            "CARILLON_JWT_ISSUER: goes with jwks_url or jwks_file, and they with it",
        ),
        (
            {"JWKS_FILE": "k", "JWT_ISSUER": "carillon", "JWT_AUDIENCE": "a"},
            "CARILLON_JWT_ISSUER: must not be token_issuer",
        ),
        (
            {"INTROSPECTION_CLIENT_ID": "us"},
            "CARILLON_INTROSPECTION_CLIENT_ID: is set, but introspection_url is not",
        ),
        ({"JWKS_URL": "http://id.example/k"}, "CARILLON_JWKS_URL: must be https:// and a host"),
        ({"SERVICE_CLAIM": "service"}, "CARILLON_SERVICE_CLAIM: must be name=value"),
    ],
)
def test_who_calls_is_judged_in_ways_that_go_together(environ: dict[str, str], told: str) -> None:
    assert told in refusal({f"CARILLON_{name}": value for name, value in environ.items()})


def test_tokens_do_not_show_when_settings_are_printed() -> None:
    urls = {f"{channel}_url": f"https://{channel}.example" for channel in ("sms", "push", "email")}
    tokens = {f"{channel}_token": "s3cret" for channel in ("sms", "push", "email")}
    # All of them are strings.
    assert "s3cret" not in repr(Settings(**urls, **tokens))  # type: ignore[arg-type]


def test_a_brand_has_two_secrets_of_webhooks_while_one_is_replaced() -> None:
    text = f"a=whsec_{'c2VjcmV0' * 4}, b=whsec_{'B' * 40},a=whsec_{'A' * 32}"
    settings = Settings(email_webhook_secrets=text)
    assert webhook_secrets_in(settings.email_webhook_secrets) == {
        "a": (b"secret" * 4, bytes(24)),
        "b": (base64.b64decode("B" * 40),),
    }
    assert "whsec" not in repr(settings)


def test_everything_that_is_wrong_is_told_a_line_each_with_where_it_came_from(
    tmp_path: Path,
) -> None:
    write(tmp_path, "rest_port = 0\nrestport = 1\n")
    told = refusal(
        {"CARILLON_LOG_LEVEL": "loud", "CARILLON_GRPCPORT": "1", "CARILLON_RETENTION_DAYS": "many"},
        tmp_path,
    ).splitlines()
    assert {line.partition(": ")[0] for line in told} == {
        f"rest_port in {tmp_path / CONFIG_FILE}",
        f"restport in {tmp_path / CONFIG_FILE}",
        "CARILLON_LOG_LEVEL",
        "CARILLON_GRPCPORT",
        "CARILLON_RETENTION_DAYS",
    }


def test_a_variable_in_another_case_is_none_of_ours(tmp_path: Path) -> None:
    assert load({"carillon_rest_port": "1"}, tmp_path) == Settings()


def test_settings_that_are_made_take_nothing_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CARILLON_REST_PORT", "1")
    assert Settings().rest_port == 8080


@pytest.mark.parametrize(
    "url",
    ["sqlite:///a/b.db", "postgresql://u:p@db/x", "postgresql+asyncpg://u@/x?host=/run/postgresql"],
)
def test_databases_that_may_be(url: str, tmp_path: Path) -> None:
    assert load({"CARILLON_DATABASE_URL": url}, tmp_path).effective_database_url == url


def test_the_embedded_database_is_in_the_data_directory(tmp_path: Path) -> None:
    assert (
        load({"CARILLON_DATA_DIR": "/srv/data"}, tmp_path).effective_database_url
        == "sqlite:////srv/data/carillon.db"
    )


def test_replicas_are_addresses_and_names(tmp_path: Path) -> None:
    text = " 10.0.0.1:50051, [2001:DB8::1]:50052 ,api-1.Internal:50051,api_2:1,10.0.0.1:50052"
    assert load({"CARILLON_API_ADDRESSES": text}, tmp_path).effective_api_addresses == (
        ("10.0.0.1", 50051),
        ("2001:db8::1", 50052),
        ("api-1.internal", 50051),
        ("api_2", 1),
        ("10.0.0.1", 50052),
    )


@pytest.mark.parametrize(
    ("bind", "host"),
    [
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104
        ("::", "::1"),
        ("0::0", "::1"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_without_replicas_the_api_is_on_this_host(bind: str, host: str) -> None:
    settings = Settings(grpc_bind=bind, grpc_port=7)
    assert settings.effective_api_addresses == ((host, 7),)
    assert settings.grpc_address == (f"[{host}]:7" if ":" in host else f"{host}:7")


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("tls_key", "must be set together with tls_key"),
        ("tls_cert", "must be set together with tls_key"),
        ("tls_client_ca", "is set, but tls_cert is not"),
        ("api_ca", "is set, but api_addresses is not"),
    ],
)
def test_files_of_tls_are_set_together(key: str, reason: str) -> None:
    assert refusal({variable(key): "/etc/file.pem"}).endswith(f": {reason}")


def test_links_are_https_where_the_gateway_speaks_tls() -> None:
    settings = Settings(tls_cert="c", tls_key="k", rest_port=7)
    assert settings.effective_public_url == "https://127.0.0.1:7"


def test_grpc_is_on_loopback_whatever_the_gateway_is_bound_to() -> None:
    settings = Settings(bind="0.0.0.0", grpc_port=7)  # noqa: S104
    assert (settings.grpc_listen, settings.grpc_address) == ("127.0.0.1:7", "127.0.0.1:7")


def test_grpc_may_be_on_a_socket_alone() -> None:
    settings = Settings(grpc_bind="unix:/run/carillon/api.sock")
    assert settings.grpc_listen == settings.grpc_address == "unix:/run/carillon/api.sock"
    assert settings.grpc_socket == "/run/carillon/api.sock"


@pytest.mark.parametrize("bind", ["unix:api.sock", "unix:", "unix:/" + "x" * 107, "localhost", ""])
def test_grpc_is_on_an_address_or_the_absolute_path_of_a_socket(bind: str) -> None:
    assert refusal({"CARILLON_GRPC_BIND": bind}).startswith("CARILLON_GRPC_BIND: ")
