"""The audit log: newest first, by subject, and of one's own brands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from carillon.messaging.v1 import send_service_pb2, send_service_pb2_grpc
from server.app import Part
from server.config import Settings
from server.database import migrate_database
from server.identity.key_store import signing_keys
from server.identity.signing_keys import fingerprint
from storage.model.audit import INSTALLATION
from tests.support.api.callers import Caller
from tests.support.api.deliveries import SENDS
from tests.support.api.operating import AUDIT, publish
from tests.support.api.running import Running, running_service
from tests.support.api.scenes import ok, recipients
from tests.support.api.untouched import BRANDS


async def test_entry_says_who_did_what_to_what_and_when(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    send = await publish(idle_api, brand, recipients(1))
    token = idle.token(brand, subject="ana@example.com")
    metadata = (("authorization", f"Bearer {token}"), ("x-request-id", "request-7"))
    sends: Any = send_service_pb2_grpc.SendServiceStub(idle.channel)
    await sends.PauseSend(send_service_pb2.PauseSendRequest(id=send["id"]), metadata=metadata)
    entry, *_ = (await ok(idle_api, f"{AUDIT}/ListAuditEntries", {}))["audit_entries"]
    assert {key: value for key, value in entry.items() if key not in ("id", "created_at")} == {
        "brand_id": brand,
        "actor": "ana@example.com",
        "action": "send_paused",
        "subject_id": send["id"],
        "details": {},
        "request_id": "request-7",
    }
    assert entry["created_at"] >= send["created_at"]


async def test_entries_are_newest_first_and_of_one_subject_if_asked(
    idle_api: Caller, brand: str
) -> None:
    first, second = [await publish(idle_api, brand, recipients(1)) for _ in range(2)]
    for send, verb in ((first, "PauseSend"), (second, "PauseSend"), (first, "ResumeSend")):
        await ok(idle_api, f"{SENDS}/{verb}", {"id": send["id"]})
    await ok(idle_api, f"{BRANDS}/SetBrandPolicy", {"brand_id": brand})
    entries = (await ok(idle_api, f"{AUDIT}/ListAuditEntries", {"brand_id": brand}))[
        "audit_entries"
    ]
    assert [(entry["action"], entry["subject_id"]) for entry in entries[:4]] == [
        ("brand_policy_set", brand),
        ("send_resumed", first["id"]),
        ("send_paused", second["id"]),
        ("send_paused", first["id"]),
    ]
    of_first = (await ok(idle_api, f"{AUDIT}/ListAuditEntries", {"subject_id": first["id"]}))[
        "audit_entries"
    ]
    assert of_first == [entries[1], entries[3]]


async def test_entries_of_others_do_not_exist(idle: Running, idle_api: Caller, brand: str) -> None:
    send = await publish(idle_api, brand, recipients(1))
    await ok(idle_api, f"{SENDS}/PauseSend", {"id": send["id"]})
    stranger = idle.token(f"other-{brand}")
    assert (
        await idle_api.call(f"{AUDIT}/ListAuditEntries", {"subject_id": send["id"]}, token=stranger)
    ).body["audit_entries"] == []
    answer = await idle_api.call(f"{AUDIT}/ListAuditEntries", {"brand_id": brand}, token=stranger)
    assert (answer.status, answer.error) == (404, "brand_not_found")


async def test_refused_operation_leaves_no_entry(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    send = await publish(idle_api, brand, recipients(1))
    before = await ok(idle_api, f"{AUDIT}/ListAuditEntries", {})
    stranger = idle.token(f"other-{brand}")
    for verb in ("PauseSend", "ResumeSend", "CancelSend", "RetryFailedMessages"):
        assert (
            await idle_api.call(f"{SENDS}/{verb}", {"id": send["id"]}, token=stranger)
        ).error == "send_not_found"
    assert (await idle_api.call(f"{SENDS}/RetryFailedMessages", {"id": send["id"]})).status == 412
    assert await ok(idle_api, f"{AUDIT}/ListAuditEntries", {}) == before


async def test_a_signing_key_is_in_the_log_of_the_installation_once_however_often_it_is_used(
    tmp_path: Path,
) -> None:
    await migrate_database(Settings(data_dir=tmp_path))
    seen = []
    for _ in range(2):
        async with running_service(tmp_path, parts=frozenset({Part.API})) as running:
            assert running.service.storage is not None
            seen.append(
                await running.service.storage.read(
                    lambda tx: tx.audit.list_page(INSTALLATION, None, None, 9)
                )
            )
    assert seen[0] == seen[1]
    (entry,) = seen[0]
    key = fingerprint(signing_keys(Settings(data_dir=tmp_path), may_create=False).newest)
    assert (entry.actor, entry.action, entry.subject_id) == ("carillon", "signing_key_used", key)
