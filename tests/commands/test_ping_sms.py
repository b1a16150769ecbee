"""The SMS canary, by the clock of tests. Tests run on both databases."""

from __future__ import annotations

import asyncio

from server.commands.sla.ping_sms import LIFETIME, accept_canary, latency_ms
from server.dispatch.maintenance.expirer import Expirer
from storage.model.messages import Message
from tests.support.dispatch.scripted import REFUSED
from tests.support.dispatch.stage import Stage
from tests.support.storage.made import BRAND

NUMBER = "+12025550199"


async def ping(stage: Stage) -> Message:
    return await stage.storage.write(lambda tx: accept_canary(tx, stage.caller, BRAND, NUMBER))


async def test_the_latency_is_from_acceptance_to_when_the_provider_took_it(stage: Stage) -> None:
    message = await ping(stage)
    stage.clock.advance(1.25)
    await stage.run(stage.workers("sms"))
    stage.clock.advance(60)
    sent = await stage.found(message)
    assert (sent.status, stage.sms.addresses()) == ("sent", [NUMBER])
    assert latency_ms(sent, stage.clock.now(), 30) == 1250


async def test_of_one_that_was_not_delivered_it_is_how_long_it_was_waited_for(
    stage: Stage,
) -> None:
    stage.sms.will(NUMBER, REFUSED)
    message = await ping(stage)
    await stage.run(stage.workers("sms"))
    refused = await stage.found(message)
    assert refused.status == "failed"
    stage.clock.advance(2)
    assert latency_ms(refused, stage.clock.now(), 30) == 2000
    stage.clock.advance(3600)
    assert latency_ms(refused, stage.clock.now(), 30) == 30_000


async def test_one_that_has_not_left_in_time_does_not_go_out(stage: Stage) -> None:
    message = await ping(stage)
    stage.clock.advance(LIFETIME.total_seconds())
    await stage.run(Expirer(stage.storage, stage.clock, stage.metrics))
    await stage.run(stage.workers("sms"))
    assert await stage.fate(message) == ("expired", "expired")
    assert stage.sms.calls == []


async def test_two_first_pings_at_once_make_one_template(stage: Stage) -> None:
    first, second = await asyncio.gather(ping(stage), ping(stage))
    assert first.template_revision == second.template_revision == 1
