"""The quick check and protovalidate: one judgement."""

from __future__ import annotations

import protovalidate
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carillon.comms.v1 import campaign_service_pb2 as comms_campaigns
from carillon.comms.v1 import message_service_pb2, suppression_service_pb2
from carillon.messaging.v1 import campaign_service_pb2 as messaging_campaigns
from carillon.messaging.v1 import person_service_pb2
from carillon.type.v1 import channel_pb2
from server.rules.faults import find_faults, judge
from server.rules.quick import quick_check
from tests.rules.messages import REQUESTS, messages_of


def whole_message() -> message_service_pb2.ScheduleMessageRequest:
    request = message_service_pb2.ScheduleMessageRequest(
        channel=channel_pb2.email,
        template_key="welcome",
        recipient="ana@example.com",
        brand_id="acme",
        person_id="ana",
        dedup_key="1",
    )
    request.scheduled_at.seconds = 1
    return request


# There are about a hundred requests, and they share a few dozen rules.
@pytest.mark.parametrize("name", REQUESTS)
@settings(max_examples=30)
@given(data=st.data())
def test_what_is_settled_keeps_every_rule(name: str, data: st.DataObject) -> None:
    message = data.draw(messages_of(REQUESTS[name]))
    keeps_all = protovalidate.collect_violations(message) == []
    assert keeps_all or not quick_check(REQUESTS[name])(message)
    told = [
        fault for fault in find_faults(message) if not fault.message.startswith("is also that of")
    ]
    assert (told == []) is keeps_all


@given(message=messages_of(REQUESTS["carillon.comms.v1.ScheduleMessageRequest"]))
def test_one_offs_are_settled_unless_a_rule_is_broken(
    message: message_service_pb2.ScheduleMessageRequest,
) -> None:
    whole = whole_message()
    whole.MergeFrom(message)
    for request in (message, whole):
        assert quick_check(request.DESCRIPTOR)(request) is (
            protovalidate.collect_violations(request) == []
        )


ITEMS = {
    item.full_name: item
    for item in (
        comms_campaigns.Recipient.DESCRIPTOR,
        messaging_campaigns.Recipient.DESCRIPTOR,
        person_service_pb2.PersonToPut.DESCRIPTOR,
        suppression_service_pb2.SuppressionToCreate.DESCRIPTOR,
    )
}


@pytest.mark.parametrize("name", ITEMS)
@given(data=st.data())
def test_what_comes_by_the_thousand_is_settled_unless_a_rule_is_broken(
    name: str, data: st.DataObject
) -> None:
    item = data.draw(messages_of(ITEMS[name]))
    assert quick_check(ITEMS[name])(item) is (judge(item) == [])


def test_a_field_is_named_once() -> None:
    request = whole_message()
    request.person_id = "\n"
    assert [fault.field for fault in find_faults(request)] == ["person_id"]
