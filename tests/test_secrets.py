"""Where secrets may stand, and that none of them is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.config import CONFIG_FILE, ConfigError, Settings, load
from server.config.private_files import LONGEST
from server.config.redaction import shown_settings, shown_url
from server.config.settings import BY_FILE, SECRETS

SECRET = "hush-hush"
WEBHOOK = f"acme=whsec_{'A' * 32}"
VALUES = {
    "database_url": f"postgresql://carillon:{SECRET}@db.example/carillon",
    "smtp_url": f"smtps://news:{SECRET}@mail.example",
    "email_webhook_secrets": WEBHOOK,
}
URL = "https://gateway.example"
NEEDS: dict[str, dict[str, str]] = {
    "sms_token": {"sms_url": URL},
    "push_token": {"push_url": URL},
    "email_token": {"email_url": URL},
    "introspection_client_secret": {
        "introspection_url": URL,
        "introspection_client_id": "carillon",
    },
}


def variable(name: str) -> str:
    return f"CARILLON_{name.upper()}"


def needs(name: str) -> dict[str, str]:
    return {variable(key): value for key, value in NEEDS.get(name, {}).items()}


def private(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(0o600)
    return path


def refusal(environ: dict[str, str], directory: Path) -> str:
    with pytest.raises(ConfigError) as refused:
        load(environ, directory)
    return str(refused.value)


@pytest.mark.parametrize("name", sorted(BY_FILE))
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_each_secret_may_stand_in_a_file_of_its_own(tmp_path: Path, name: str, end: str) -> None:
    value = VALUES.get(name, SECRET)
    file = private(tmp_path / "secret", value + end)
    assert getattr(load(needs(name) | {variable(name) + "_FILE": str(file)}, tmp_path), name) == (
        value
    )
    extra = "".join(f'{key} = "{text}"\n' for key, text in NEEDS.get(name, {}).items())
    private(tmp_path / CONFIG_FILE, f'{name}_file = "{file}"\n{extra}')
    assert getattr(load({}, tmp_path), name) == value


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o611])
def test_a_secret_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    file = private(tmp_path / "secret", SECRET)
    file.chmod(mode)
    told = refusal(needs("sms_token") | {"CARILLON_SMS_TOKEN_FILE": str(file)}, tmp_path)
    assert told == (
        f"CARILLON_SMS_TOKEN_FILE: {file} has mode {mode:04o}, so that others than its owner may "
        f"use it: chmod 600 {file}"
    )
    private(tmp_path / CONFIG_FILE, f'database_url = "{VALUES["database_url"]}"\n').chmod(mode)
    told = refusal({}, tmp_path)
    assert told == (
        f"database_url in {tmp_path / CONFIG_FILE}: others can use the file: chmod 600 "
        f"{tmp_path / CONFIG_FILE}"
    )


def test_a_file_without_secrets_may_be_read_by_everybody(tmp_path: Path) -> None:
    text = 'rest_port = 8081\ndatabase_url = "sqlite:///here.db"\nsms_token = ""\n'
    private(tmp_path / CONFIG_FILE, text).chmod(0o644)
    assert load({}, tmp_path).rest_port == 8081


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot read .*: No such file or directory"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"x" * (LONGEST + 1), "is longer than"),
        (b"two\nlines", "visible ASCII"),
    ],
)
def test_a_file_that_holds_no_secret_is_named_with_its_setting(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        private(file, content)
    environ = needs("sms_token") | {"CARILLON_SMS_TOKEN_FILE": str(file)}
    with pytest.raises(ConfigError, match=f"^CARILLON_SMS_TOKEN_FILE: .*{reason}"):
        load(environ, tmp_path)


def test_a_secret_and_its_file_are_not_set_together_but_the_environment_comes_first(
    tmp_path: Path,
) -> None:
    file = private(tmp_path / "secret", SECRET)
    both = {"CARILLON_SMS_TOKEN": "x", "CARILLON_SMS_TOKEN_FILE": str(file)}
    told = refusal(needs("sms_token") | both, tmp_path)
    assert told == "CARILLON_SMS_TOKEN_FILE: must not be set together with sms_token"
    private(tmp_path / CONFIG_FILE, 'sms_token = "of the file"\n')
    environ = needs("sms_token") | {"CARILLON_SMS_TOKEN_FILE": str(file)}
    assert load(environ, tmp_path).sms_token == SECRET


def test_settings_show_no_secret_and_neither_does_their_text() -> None:
    settings = Settings(
        sms_url=f"https://sms.example/hooks/{SECRET}",
        push_url="https://push.example",
        introspection_url=URL,
        introspection_client_id="carillon",
        # All of them are strings.
        **{name: VALUES.get(name, SECRET) for name in BY_FILE - {"email_token"}},  # type: ignore[arg-type]
    )
    shown = {name: str(value) for name, value in shown_settings(settings)}
    assert SECRET not in "".join(shown.values())
    assert SECRET not in repr(settings).replace(settings.sms_url, "")
    assert {name for name in SECRETS if shown[name]} == SECRETS - {"email_token"}
    assert shown["database_url"] == "postgresql://***@db.example/carillon"
    assert (shown["sms_url"], shown["push_url"]) == (
        "https://sms.example/***",
        "https://push.example",
    )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///var/carillon.db", "sqlite:///var/carillon.db"),
        ("postgresql://db.example:5432/x", "postgresql://db.example:5432/x"),
        (f"postgresql://u:{SECRET}@db/x", "postgresql://***@db/x"),
        (f"postgresql://u:a/{SECRET}@db/x", "postgresql://***@db/x"),
        (f"postgresql://u:a@{SECRET}@db/x", "postgresql://***@db/x"),
        (f"postgresql://u:a:{SECRET}@[::1]:5432/x", "postgresql://***@[::1]:5432/x"),
        (f"postgresql://u:a?{SECRET}@db/x", "postgresql://***"),
        (f"postgresql://u:a#{SECRET}@db/x", "postgresql://***"),
        (f"smtps://{SECRET}@mail.example", "smtps://***@mail.example"),
        (f"postgresql://db/x?user=u&password={SECRET}", "postgresql://db/x?user=***&password=***"),
        (f"postgresql://db/x?PASSWORD={SECRET}", "postgresql://db/x?PASSWORD=***"),
        (f"postgresql://db/x?password=a@{SECRET}", "postgresql://***"),
        (f"postgresql://db/x?password=a;{SECRET}", "postgresql://db/x?password=***"),
        (f"postgresql://db/x#{SECRET}", "postgresql://db/x#***"),
        (f"postgresql://db/x?{SECRET}", "postgresql://db/x?"),
        (f"postgresql://db/x?password={SECRET}\n{SECRET}", "postgresql://db/x?password=***"),
    ],
)
def test_a_url_is_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    assert shown_url(url) == shown
