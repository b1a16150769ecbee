"""Settings and the commands that need no service: each mistake is one line that names its key."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import jwt
import pytest
from click.testing import CliRunner, Result

from server.api.policies import all_scopes
from server.cli import main as cli
from server.cli.main import main
from server.cli.token import LIFETIME_HOURS
from server.config import MAX_DAYS, ConfigError, Settings, load
from server.database import operate
from server.domain.clock import SystemClock
from server.identity.key_store import signing_keys
from server.identity.tokens import LIFETIME, tokens_of
from storage.model.audit import AuditEntry

COMMANDS = (
    "serve",
    "api",
    "dispatcher",
    "gateway",
    "migrate",
    "prune",
    "release",
    "token",
    "brand",
    "keys",
    "import",
    "check-config",
    "version",
)
NEED_SETTINGS = ("serve", "api", "dispatcher", "gateway", "migrate", "prune", "check-config")
GROUP = " COMMAND [ARGS]..."
ARGUMENTS = {"import": " FILE", "brand": GROUP, "keys": GROUP, "token": " [COMMAND] [ARGS]..."}
ORDINARY = {scope for scope in all_scopes() if not scope.startswith("admin:")}
SECRET = "p4ss%2Fw%40rd"


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def carillon(*arguments: str, env: Mapping[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, arguments, env=env)


def complaint(*arguments: str, env: Mapping[str, str] | None = None) -> str:
    """The one line of a command that refuses its settings; nothing else, and exit status 1."""
    result = carillon(*arguments, env=env)
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    (line,) = result.stderr.splitlines()
    return line


@pytest.mark.parametrize("asking", ["--help", "-h"])
def test_help_lists_every_command(asking: str) -> None:
    result = carillon(asking)
    assert result.exit_code == 0
    assert set(main.commands) == set(COMMANDS)
    assert all(f"\n  {command} " in result.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_of_its_own(command: str) -> None:
    result = carillon(command, "--help")
    assert (result.exit_code, result.stderr) == (0, "")
    argument = ARGUMENTS.get(command, "")
    assert result.stdout.startswith(f"Usage: main {command} [OPTIONS]{argument}\n\n  ")


def test_version_is_the_installed_one() -> None:
    assert carillon("version").stdout == f"{version('carillon')}\n"


def test_unknown_command_is_refused() -> None:
    assert carillon("serv").exit_code == 2


def verified(directory: Path, printed: str) -> tuple[str, set[str], set[str]]:
    principal = tokens_of(
        Settings(data_dir=directory / "var"), SystemClock(), may_create=False
    ).verify(printed.removesuffix("\n"))
    return principal.subject, set(principal.brands), set(principal.scopes)


@pytest.fixture
def brands(directory: Path) -> None:
    """A service has been here, with the brands `acme` and `other`."""
    signing_keys(Settings(data_dir=directory / "var"), may_create=True)
    for arguments in (("migrate",), ("brand", "create", "acme"), ("brand", "create", "other")):
        assert carillon(*arguments).exit_code == 0


@pytest.mark.usefixtures("brands")
def test_token_prints_a_token_and_nothing_else(directory: Path) -> None:
    result = carillon(
        "token",
        "--brand",
        "acme",
        "--brand",
        "other",
        "--scope",
        "read:campaigns",
        "--subject",
        "nightly",
    )
    assert (result.exit_code, result.stderr, result.stdout.count("\n")) == (0, "", 1)
    assert verified(directory, result.stdout) == ("nightly", {"acme", "other"}, {"read:campaigns"})


@pytest.mark.usefixtures("brands")
def test_token_has_every_scope_but_those_of_operators_unless_told_otherwise(
    directory: Path,
) -> None:
    assert verified(directory, carillon("token", "--brand", "acme").stdout) == (
        "cli",
        {"acme"},
        ORDINARY,
    )


@pytest.mark.usefixtures("brands")
def test_a_persons_token_has_the_scopes_of_what_is_their_own(directory: Path) -> None:
    token = carillon("token", "--brand", "acme", "--subject", "ann", "--person").stdout
    own = {"read:notifications", "write:notifications"}
    assert verified(directory, token) == ("ann", {"acme"}, own)


def test_the_command_line_says_what_the_code_says() -> None:
    assert timedelta(hours=LIFETIME_HOURS) == LIFETIME
    assert cli.MAX_DAYS == MAX_DAYS


@pytest.mark.usefixtures("brands")
def test_an_operators_token_is_asked_for_and_needs_no_brand(directory: Path) -> None:
    assert verified(directory, carillon("token", "--scope", "admin:hold").stdout) == (
        "cli",
        set(),
        {"admin:hold"},
    )
    assert carillon("token", "--scope", "admin:hold", "--scope", "read:campaigns").exit_code == 2


@pytest.mark.usefixtures("brands")
def test_a_token_for_a_brand_that_nobody_created_is_refused() -> None:
    line = complaint("token", "--brand", "acme", "--brand", "acmee")
    assert (
        line
        == "carillon: the token names a brand that does not exist; an operator has to create it "
        "first: acmee"
    )


@pytest.mark.usefixtures("brands")
def test_a_token_is_in_the_audit_log_of_its_brands_before_it_is_shown() -> None:
    shown = carillon(
        "token",
        "--brand",
        "acme",
        "--brand",
        "other",
        "--scope",
        "read:campaigns",
        "--subject",
        "nightly",
    ).stdout
    claims = jwt.decode(shown.strip(), options={"verify_signature": False})
    for brand in ("acme", "other"):
        entry, created = logged(brand)
        assert (entry.actor, entry.action, entry.subject_id) == (
            "cli",
            "token_minted",
            claims["jti"],
        )
        assert entry.details == {
            "subject": "nightly",
            "scopes": ["read:campaigns"],
            "expires_at": entry.details["expires_at"],
        }
        assert created.action == "brand_created"
    carillon("token", "--scope", "admin:hold")
    (entry,) = logged("")
    assert entry.details["scopes"] == ["admin:hold"]


def logged(brand: str) -> list[AuditEntry]:
    """The audit log of a brand, newest first."""
    return asyncio.run(operate(load(), lambda tx, _: tx.audit.list_page(brand, None, None, 9)))


@pytest.mark.usefixtures("brands")
def test_a_token_is_made_without_the_database_if_that_is_away_and_says_so(directory: Path) -> None:
    result = carillon(
        "token", "--brand", "acme", env={"CARILLON_DATABASE_URL": "postgresql://127.0.0.1:1/none"}
    )
    assert verified(directory, result.stdout)[1] == {"acme"}
    assert "the audit log does not have this token" in result.stderr


def test_brands_are_created_listed_shown_and_updated() -> None:
    carillon("migrate")
    assert carillon("brand", "create", "acme", "--name", "Acme & Co").stdout.startswith(
        "id: acme\nname: Acme & Co\ncreated: "
    )
    assert carillon("brand", "create", "b-2").exit_code == 0
    assert carillon("brand", "list").stdout == "acme\tAcme & Co\nb-2\tb-2\n"
    assert complaint("brand", "create", "acme") == "carillon: there is a brand with this id"
    assert carillon("brand", "update", "acme", "--name", "Acme").exit_code == 0
    assert "name: Acme\n" in carillon("brand", "show", "acme").stdout
    assert complaint("brand", "show", "nobody") == "carillon: no such brand"
    for name in ("No Slug", "a_b"):
        assert "id: must be lower-case letters" in complaint("brand", "create", name)
    assert complaint("brand", "update", "acme", "--name", " ").startswith("carillon: name: ")


def test_token_where_no_service_is_says_so_and_makes_no_key(directory: Path) -> None:
    line = complaint("token", "--brand", "acme")
    assert line.startswith("carillon: CARILLON_SIGNING_KEY_FILE: there is no signing key here")
    assert str(directory / "var" / "keys" / "signing.pem") in line
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--brand", "acme", "--scope", "raed:campaigns"), "raed:campaigns"),
        (("--brand", "acme", "--scope", "read:campaign"), "read:campaigns"),
        (("--brand", "acme", "--scope", "manage:brand"), "manage:brand"),
        ((), "--brand"),
        (("--brand", ""), "--brand"),
        (("--brand", "acme", "--brand", ""), "--brand"),
        (("--brand", "acme", "--hours", "0"), "--hours"),
        (("--brand", "acme", "--hours", "soon"), "--hours"),
        (("--brand", "acme", "--scop", "x"), "--scop"),
    ],
    ids=str,
)
def test_token_refuses_what_it_does_not_know(arguments: tuple[str, ...], named: str) -> None:
    result = carillon("token", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert named in result.stderr


def test_check_config_shows_what_is_in_force_without_passwords() -> None:
    env = {
        "CARILLON_REST_PORT": "18080",
        "CARILLON_SMTP_URL": f"smtps://news:{SECRET}@mail.example:465",
        "CARILLON_DATABASE_URL": f"postgresql://app:{SECRET}@db.example/carillon",
    }
    result = carillon("check-config", env=env)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "rest_port = 18080\n" in result.stdout
    assert "smtp_url = smtps://***@mail.example:465\n" in result.stdout
    assert result.stdout.count("postgresql://***@db.example/carillon") == 2
    assert SECRET not in result.output


def test_check_config_shows_which_key_signs_so_that_machines_can_be_compared(
    directory: Path,
) -> None:
    assert carillon("check-config").stdout.endswith("# signing key: none yet\n")
    assert not (directory / "var").exists()
    signing_keys(Settings(data_dir=directory / "var"), may_create=True)
    own = carillon("check-config").stdout.splitlines()[-1]
    assert own.startswith("# signing key: SHA-256 ")
    (directory / "var" / "keys" / "signing.pem").rename(directory / "shared.pem")
    shared = carillon("check-config", env={"CARILLON_SIGNING_KEY_FILE": "shared.pem"})
    assert shared.stdout.splitlines()[-1] == own


@pytest.mark.parametrize("command", [("check-config",), ("token", "--brand", "acme"), ("serve",)])
def test_a_signing_key_that_is_not_there_is_one_line_and_none_is_made(
    directory: Path, command: tuple[str, ...]
) -> None:
    line = complaint(*command, env={"CARILLON_SIGNING_KEY_FILE": "shared.pem"})
    assert line.startswith("carillon: CARILLON_SIGNING_KEY_FILE: shared.pem cannot be read")
    assert not (directory / "shared.pem").exists()


def test_check_config_shows_no_password_of_a_query_either() -> None:
    result = carillon(
        "check-config",
        env={
            "CARILLON_DATABASE_URL": f"postgresql://db.example/carillon?user=app&password={SECRET}"
        },
    )
    assert SECRET not in result.output


def test_check_config_shows_that_there_is_a_token_and_not_which() -> None:
    env = {"CARILLON_SMS_URL": "https://sms.example/v1", "CARILLON_SMS_TOKEN": SECRET}
    result = carillon("check-config", env=env)
    assert (result.exit_code, SECRET in result.output) == (0, False)
    assert "sms_url = https://sms.example/***\nsmtp_connections = 20\nsmtp_url" in result.stdout
    assert "sms_token = ***\n" in result.stdout
    assert "push_token = \n" in result.stdout


BAD = [
    ("push_url", "http://push.example", "must be https:// and a host"),
    ("webhook_key_hours", "day", "'day' is not a whole number"),
    ("bind", "localhost", "is not an IP address"),
    ("bind", "", "is not an IP address"),
    ("rest_port", "eighty", "'eighty' is not a whole number"),
    ("rest_port", "70000", "not a port"),
    ("rest_port", "0", "not a port"),
    ("grpc_port", "-1", "not a port"),
    ("grpc_port", "", "not a whole number"),
    ("database_url", "mysql://db/x", "must start with"),
    ("smtp_url", "http://mail.example", "must start with"),
    ("smtp_url", "smtp://", "names no host"),
    ("smtp_url", "smtp://mail.example:port", ""),
    ("api_addresses", "10.0.0.1:50051,api-2", "'api-2' is not host:port"),
    ("drain_seconds", "1000", "must be from 0 to 600"),
    ("mail_from", "nobody", "is not a mail address"),
    ("max_request_bytes", "12", "at least 1024"),
    ("grpc_reflection", "yes", "neither true nor false"),
    ("log_level", "loud", "must be debug"),
]


@pytest.mark.parametrize(("key", "value", "reason"), BAD)
def test_bad_environment_is_one_line_with_key_and_reason(key: str, value: str, reason: str) -> None:
    line = complaint("check-config", env={f"CARILLON_{key.upper()}": value})
    assert line.startswith(f"carillon: CARILLON_{key.upper()}: ")
    assert reason in line


@pytest.mark.parametrize(("key", "value", "reason"), BAD)
def test_bad_file_is_one_line_with_key_and_reason(
    directory: Path, key: str, value: str, reason: str
) -> None:
    (directory / "carillon.toml").write_text(f'{key} = "{value}"\n')
    line = complaint("check-config")
    assert line.startswith("carillon: ")
    assert key in line.lower()
    assert reason in line


KUBERNETES = {
    "CARILLON_PORT": "tcp://10.0.0.7:8080",
    "CARILLON_PORT_8080_TCP": "tcp://10.0.0.7:8080",
    "CARILLON_PORT_8080_TCP_ADDR": "10.0.0.7",
    "CARILLON_PORT_8080_TCP_PORT": "8080",
    "CARILLON_PORT_8080_TCP_PROTO": "tcp",
    "CARILLON_SERVICE_HOST": "10.0.0.7",
    "CARILLON_SERVICE_PORT": "8080",
    "CARILLON_SERVICE_PORT_HTTP": "8080",
    "CARILLON_REST_PORT": "tcp://10.0.0.8:80",
}


def test_variables_that_kubernetes_sets_for_a_service_are_ignored(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert load(KUBERNETES) == load({})
    assert len(caplog.records) == 1
    assert load({**KUBERNETES, "CARILLON_REST_PORT": "8081"}).rest_port == 8081


@pytest.mark.parametrize("name", ["CARILLON_PORT", "CARILLON_HTTP_PORT", "CARILLON_SERVICE"])
def test_what_only_looks_like_one_of_those_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}: unknown setting"):
        load({name: "8080"})


@pytest.mark.parametrize("command", NEED_SETTINGS)
def test_every_command_that_needs_settings_refuses_an_unknown_one(
    directory: Path, command: str
) -> None:
    assert "CARILLON_RESTPORT: unknown setting" in complaint(
        command, env={"CARILLON_RESTPORT": "8080"}
    )
    (directory / "carillon.toml").write_text("restport = 8080\n")
    assert "restport in carillon.toml: unknown setting" in complaint(command)


@pytest.mark.parametrize(
    "text", ["rest_port = ", "rest_port = 1\nrest_port = 2", "\xff"], ids=["torn", "twice", "bytes"]
)
def test_file_that_is_not_toml_is_one_line(directory: Path, text: str) -> None:
    (directory / "carillon.toml").write_bytes(text.encode("latin-1"))
    assert "carillon.toml: not valid TOML" in complaint("check-config")


@pytest.mark.parametrize(
    "text", ["[server]\nrest_port = 1", "rest_port = [1]", "rest_port = 8080.5", "rest_port = true"]
)
def test_value_of_another_type_in_the_file_is_refused(directory: Path, text: str) -> None:
    (directory / "carillon.toml").write_text(text)
    assert "carillon.toml" in complaint("check-config")


def test_ports_must_differ() -> None:
    assert "must differ" in complaint(
        "check-config", env={"CARILLON_REST_PORT": "9000", "CARILLON_GRPC_PORT": "9000"}
    )


def test_file_is_read_and_the_environment_goes_before_it(directory: Path) -> None:
    (directory / "carillon.toml").write_text(
        'rest_port = 18080\ngrpc_port = 15051\ngrpc_reflection = false\ndata_dir = "elsewhere"\n'
    )
    settings = load({"CARILLON_GRPC_PORT": "25051", "PATH": "/usr/bin"})
    assert (settings.rest_port, settings.grpc_port, settings.grpc_reflection) == (
        18080,
        25051,
        False,
    )
    assert settings.effective_database_url == "sqlite:///elsewhere/carillon.db"


def test_defaults_are_the_documented_ones() -> None:
    settings = load({})
    assert (settings.rest_port, settings.grpc_port, settings.bind) == (8080, 50051, "127.0.0.1")
    assert (str(settings.data_dir), settings.effective_database_url, settings.smtp_url) == (
        "var",
        "sqlite:///var/carillon.db",
        "",
    )
