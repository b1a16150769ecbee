"""What a message says when it goes out, and what happens when it cannot be said."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from server.channels.provider import Envelope
from server.dispatch.delivery import renderer as renderer_module
from server.dispatch.delivery.renderer import Renderer
from storage.model.messages import MessageStatus
from storage.model.sends import SendStatus
from tests.support.dispatch.stage import BRAND, Stage
from tests.support.storage import made

TOO_MUCH = "{% for a in (1..10000) %}{% for b in (1..10000) %}x{% endfor %}{% endfor %}"


async def said(stage: Stage, **more: Any) -> tuple[str | None, str]:
    """Subject and body of one message that goes out."""
    await stage.message(**more)
    await stage.run(stage.workers())
    envelope = stage.email.calls[-1]
    return envelope.subject, envelope.body


async def test_a_message_that_cannot_be_rendered_fails_alone_and_without_an_attempt(
    stage: Stage,
) -> None:
    await stage.template(body="{% if bad %}" + TOO_MUCH + "{% endif %}Hello")
    messages = await stage.messages(2, template_revision=2)
    bad = await stage.message("bad", template_revision=2, variables={"bad": True}, due_in=-1)
    await stage.run(stage.workers())
    assert await stage.fate(bad) == ("failed", "template_too_complex")
    assert ((await stage.found(bad)).attempts, await stage.attempts(bad)) == (0, [])
    assert [await stage.status(message) for message in messages] == [MessageStatus.SENT] * 2


async def test_a_send_whose_messages_partly_cannot_be_rendered_completes(stage: Stage) -> None:
    await stage.template(body="{% if person.bad %}" + TOO_MUCH + "{% endif %}Hello")
    await stage.storage.write(
        lambda tx: tx.people.put(made.person("person-001", attributes={"bad": True}))
    )
    send, _ = await stage.send(3)
    await stage.run(stage.workers())
    assert await stage.counted(send) == {"total": 3, "sent": 2, "failed": 1}
    assert (await stage.found_send(send)).status is SendStatus.COMPLETED


async def test_a_fault_of_ours_fails_the_message_alone(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(*_: object, variables: dict[str, object], **__: object) -> dict[str, object]:
        if variables == {"bad": 1}:
            raise KeyError("a fault")
        return {}

    monkeypatch.setattr("server.domain.templates.message_content.render_context", faulty)
    good, bad = await stage.message("good"), await stage.message("bad", variables={"bad": 1})
    await stage.run(stage.workers())
    assert (await stage.fate(good), await stage.fate(bad)) == (
        ("sent", None),
        ("failed", "template_error"),
    )


@pytest.mark.parametrize("channel", ["email", "in_app"])
async def test_text_that_databases_cannot_hold_fails_its_message(
    stage: Stage, channel: str
) -> None:
    template = await stage.template(channel, body="{{ code | url_decode }}")
    bad = await stage.message(
        "bad", channel=channel, template_revision=template.revision, variables={"code": "%00"}
    )
    good = await stage.message(
        "good", channel=channel, template_revision=template.revision, variables={"code": "%41"}
    )
    await stage.run(stage.inbox_worker() if channel == "in_app" else stage.workers())
    assert (await stage.fate(bad), await stage.fate(good)) == (
        ("failed", "template_error"),
        ("sent", None),
    )


async def test_a_missing_template_fails_the_message(stage: Stage) -> None:
    message = await stage.message(template_key="nowhere")
    await stage.run(stage.workers())
    assert await stage.fate(message) == ("failed", "template_missing")


async def test_slow_templates_hold_up_nothing_for_ever(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.template("in_app")
    monkeypatch.setattr(renderer_module, "TIME_BUDGET", -1.0)
    messages = [*await stage.messages(4), *await stage.messages(4, channel="in_app")]
    inbox_worker = stage.inbox_worker()
    await stage.run(stage.workers())
    await inbox_worker.run_once()
    assert [await stage.status(message) for message in messages[4:]] == [MessageStatus.SENT] + [
        MessageStatus.PENDING
    ] * 3
    await stage.run(inbox_worker)
    assert {await stage.status(message) for message in messages} == {MessageStatus.SENT}


async def test_a_message_keeps_the_revision_it_was_accepted_with(stage: Stage) -> None:
    message = await stage.message()
    await stage.template(body="Goodbye")
    await stage.run(stage.workers())
    assert (stage.email.calls[0].message_id, stage.email.calls[0].body) == (message.id, "Hello")


async def test_a_send_keeps_the_revision_it_was_started_with(stage: Stage) -> None:
    await stage.send(1)
    await stage.template(body="Goodbye")
    await stage.send(1)
    await stage.run(stage.workers())
    assert sorted(envelope.body for envelope in stage.email.calls) == ["Goodbye", "Hello"]


@pytest.mark.parametrize(
    ("own", "subject"),
    [("Spring {{ person.id }}", "Spring ann"), (None, "Template"), ("", "Template")],
)
async def test_the_campaigns_subject_comes_before_the_templates(
    stage: Stage, own: str | None, subject: str
) -> None:
    await stage.template(subject="Template")
    await stage.storage.write(lambda tx: tx.people.put(made.person("ann")))
    await stage.send([("ann", "ann@example.com")], subject=own)
    await stage.run(stage.workers())
    assert [envelope.subject for envelope in stage.email.calls] == [subject]


async def test_a_messages_variables_come_before_its_sends(stage: Stage) -> None:
    await stage.template(body="{{ a }} {{ b }}")
    send, _ = await stage.send(1, variables={"a": "send", "b": "send"})
    own = made.message(
        "own",
        send_id=send.id,
        template_revision=2,
        variables={"b": "own"},
        due_at=stage.clock.now(),
    )
    await stage.storage.write(lambda tx: tx.messages.insert_many([own]))
    await stage.run(stage.workers())
    assert sorted(envelope.body for envelope in stage.email.calls) == ["send own", "send send"]


async def test_no_variable_stands_in_for_the_person_or_the_brand(stage: Stage) -> None:
    await stage.template(body="{{ person.id }} {{ person.name }} {{ brand.id }}")
    await stage.storage.write(
        lambda tx: tx.people.put(made.person("ann", attributes={"name": "Ann", "id": "other"}))
    )
    fake = {"person": {"id": "evil", "name": "evil"}, "brand": {"id": "evil"}}
    assert await said(stage, template_revision=2, variables=fake) == (None, f"ann Ann {BRAND}")


async def test_somebody_nobody_knows_is_rendered_without_their_fields(stage: Stage) -> None:
    await stage.template(body="[{{ person.email }}]")
    assert await said(stage, template_revision=2, recipient="else@example.com") == (None, "[]")


async def test_a_person_of_another_brand_is_somebody_else(stage: Stage) -> None:
    await stage.template(body="[{{ person.email }}]")
    await stage.storage.write(lambda tx: tx.people.put(made.person("ann", brand_id="other")))
    assert await said(stage, template_revision=2) == (None, "[]")


async def test_deliveries_are_rendered_though_all_threads_of_the_loop_are_taken(
    stage: Stage,
) -> None:
    template = await stage.template(body="Hello")
    message = await stage.message(template_revision=template.revision)
    loop, go_on = asyncio.get_running_loop(), threading.Event()
    # More than a loop makes threads.
    taken = [loop.run_in_executor(None, go_on.wait) for _ in range(64)]
    renderer = Renderer(stage.storage, lambda _: "https://example.com/u/1")
    try:
        async with asyncio.timeout(30):
            (envelope,) = await renderer.render([message], stage.clock.now())
    finally:
        go_on.set()
        await asyncio.gather(*taken)
        renderer.close()
    assert isinstance(envelope, Envelope)
    assert envelope.body == "Hello"
