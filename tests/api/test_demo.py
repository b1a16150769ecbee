"""What a new user finds in an empty database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from server.runtime.demo import BRAND, TEMPLATE_KEY
from storage.model.channels import Channel
from tests.support.api.callers import RestCaller
from tests.support.api.running import running_service
from tests.support.api.scenes import TEMPLATES, ok, rendered, try_rendering


async def test_the_demo_greets_each_person_in_their_language_on_every_channel(
    tmp_path: Path, new_postgres_database: Callable[[], str], database: str
) -> None:
    async with running_service(
        tmp_path, new_postgres_database() if database == "postgres" else ""
    ) as running:
        assert await running.service.seed() is not None
        assert await running.service.seed() is None
        api = RestCaller(running.http, running.token(BRAND))
        for channel in Channel:
            of = {"channel": channel, "key": TEMPLATE_KEY}
            (template,) = (await ok(api, f"{TEMPLATES}/ListTemplates", of))["items"]
            (version,) = (
                await ok(api, f"{TEMPLATES}/ListTemplateVersions", {"id": template["id"]})
            )["items"]
            (variable,) = version["variable_schema"]
            assert (variable["name"], variable["type"], variable["required"]) == (
                "news",
                "text",
                False,
            )
            english = await rendered(api, BRAND, **of, person_id="ada")
            assert (english["locale"], english["body"]) == (None, "Hello Ada, welcome to the demo.")
            good_news = {"news": "boas notícias"}
            portuguese = await rendered(api, BRAND, **of, person_id="ines", payload=good_news)
            assert (portuguese["locale"], portuguese["body"]) == ("pt", "Olá Inês, boas notícias.")
            portuguese = await rendered(api, BRAND, **of, locale="pt-BR")
            assert portuguese["body"] == "Olá a todos, boas-vindas à demonstração."
            refused = await try_rendering(api, BRAND, **of, payload={"news": 5})
            assert (refused.status, refused.fields) == (400, {"payload.news"})
