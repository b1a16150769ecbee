"""docs/deploy.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from server.cli.main import main
from server.config import Settings
from server.config.settings import BY_FILE
from storage.sql.schema.tables import metadata

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "deploy.md").read_text("utf-8")
SETTINGS = {f"CARILLON_{name.upper()}" for name in Settings.model_fields} | {
    f"CARILLON_{name.upper()}_FILE" for name in BY_FILE
}


def test_every_setting_in_it_exists() -> None:
    assert set(re.findall(r"CARILLON_[A-Z_]*[A-Z]", TEXT)) <= SETTINGS


def test_every_command_in_it_exists() -> None:
    used = set(re.findall(r"carillon ([a-z][a-z-]+)$", TEXT, re.MULTILINE)) | set(
        re.findall(r"`carillon ([a-z-]+)`", TEXT)
    )
    assert {"api", "dispatcher", "gateway", "migrate"} <= used <= set(main.commands)


@pytest.mark.parametrize("table", ["messages", "sends", "rate_states", "dispatchers"])
def test_the_tuning_of_a_hot_table_is_the_one_of_the_schema(table: str) -> None:
    (row,) = [line for line in TEXT.splitlines() if re.match(rf" *\| .*`{table}`", line)]
    assert dict(re.findall(r"([a-z_]+)=([0-9.]+)", row)) == {
        key: str(value)
        for key, value in metadata.tables[table].dialect_options["postgresql"]["with"].items()
    }


def test_every_tuned_table_is_in_it() -> None:
    tuned = {
        table.name
        for table in metadata.tables.values()
        if table.dialect_options["postgresql"].get("with")
    }
    assert tuned == {"messages", "sends", "rate_states", "dispatchers"}


def test_the_health_checks_in_it_are_those_of_the_gateway() -> None:
    (cluster,) = yaml.safe_load((ROOT / "envoy.yaml").read_text("utf-8"))["static_resources"][
        "clusters"
    ]
    (check,) = cluster["health_checks"]
    assert (
        check["interval"],
        check["timeout"],
        check["unhealthy_threshold"],
        check["healthy_threshold"],
    ) == ("1s", "1s", 2, 1)
    prose = " ".join(TEXT.split())
    assert "every second" in prose
    assert "no answer within a second twice in a row" in prose
