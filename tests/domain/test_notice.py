"""What push and in_app messages have beside their words."""

from __future__ import annotations

import pytest

from server.domain.templates.notice import Notice, find_notice_violations, read_notice
from server.domain.templates.rendering import RenderError


@pytest.mark.parametrize("channel", ["push", "in_app"])
def test_a_link_and_an_object_are_taken_from_the_variables(channel: str) -> None:
    metadata: dict[str, object] = {"result": 7}
    for link in ("https://example.com/a", "/results/7", "app://results", "results?a=javascript:"):
        given = {"action_url": link, "metadata": metadata, "name": "Ann"}
        assert find_notice_violations(channel, given) == []
        assert read_notice(channel, given) == Notice(link, metadata)
    for nothing in ({}, {"action_url": ""}, {"action_url": None, "metadata": None}):
        assert read_notice(channel, nothing) == Notice()


@pytest.mark.parametrize(
    "link", ["javascript:x", " JavaScript :x", "data:text/html,x", "a\nb", "x" * 2049, 7, ["/x"]]
)
def test_what_is_no_link_is_refused_and_not_repeated(link: object) -> None:
    (violation,) = find_notice_violations("push", {"action_url": link})
    assert violation.field == "variables.action_url"
    assert str(link) not in violation.message
    with pytest.raises(RenderError) as refused:
        read_notice("push", {"action_url": link})
    assert refused.value.reason == "action_url_invalid"


def test_all_that_is_wrong_is_named_and_other_channels_have_the_names_for_themselves() -> None:
    given: dict[str, object] = {"action_url": 7, "metadata": [1]}
    found = [each.field for each in find_notice_violations("in_app", given)]
    assert found == ["variables.action_url", "variables.metadata"]
    assert find_notice_violations("email", given) == []
    assert read_notice("email", given) == Notice()
