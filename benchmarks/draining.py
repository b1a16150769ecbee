"""How fast the messages of a send go out."""

from __future__ import annotations

import time
from collections.abc import Sequence

from benchmarks.calls import Service


def drained(service: Service, channel: str, addresses: Sequence[str]) -> float:
    """Messages a second of a send, from `queued` to all `sent`, rendered, with their attempts and
    counters.

    The send is published, paused at once and resumed: the time starts with the request to resume
    it, and ends when it is seen to be completed. What went out before the pause is not counted. A
    send so small that it was over by then counts with its publishing.
    """
    asked, before = time.perf_counter(), 0
    send_id = service.publish(channel, addresses)
    if service.pause(send_id):
        service.wait_until_made(send_id, addresses[-1])
        before = service.send(send_id).sent_count
        asked = time.perf_counter()
        service.resume(send_id)
    ended = service.wait_until_ended(send_id)
    seconds = time.perf_counter() - asked
    assert ended.sent_count == len(addresses), ended
    return (len(addresses) - before) / seconds


def mailboxes(count: int) -> list[str]:
    """Addresses on email, all different."""
    return [f"ann.{number}@example.com" for number in range(count)]


def people_ids(count: int) -> list[str]:
    """Addresses in_app: the people that `Service.put_people` puts."""
    return [f"p{number}" for number in range(count)]
