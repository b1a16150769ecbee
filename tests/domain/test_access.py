"""What exists for whom."""

from __future__ import annotations

import pytest

from server.domain.access import Principal
from server.domain.errors import NotFound, ScopeMissing, UnknownBrand, ValidationFailed


def principal(*brands: str, subject: str = "ann") -> Principal:
    return Principal(subject, frozenset(brands), frozenset({"read:messages"}))


def test_a_brand_the_token_does_not_name_does_not_exist() -> None:
    assert principal("a", "b").require_brand("a") == "a"
    for other in ("c", "", "A", "a "):
        with pytest.raises(NotFound) as refused:
            principal("a", "b").require_brand(other)
        assert refused.value.reason == "brand_not_found"


def test_a_token_of_one_brand_need_not_name_it() -> None:
    assert principal("a").brand_or_only("") == "a"
    assert principal("a").brand_or_only("a") == "a"
    with pytest.raises(NotFound):
        principal("a").brand_or_only("b")


def test_which_brand_is_meant_must_be_clear() -> None:
    with pytest.raises(ValidationFailed):
        principal("a", "b").brand_or_only("")


def test_a_token_that_names_no_brand_is_for_none() -> None:
    with pytest.raises(UnknownBrand):
        principal().brand_or_only("")


def test_owning_is_being_named() -> None:
    assert (principal("a").owns("a"), principal("a").owns("b"), principal().owns("")) == (
        True,
        False,
        False,
    )


def test_a_scope_must_be_held_as_it_is_written() -> None:
    principal("a").require_scope("read:messages")
    for scope in ("messages", "write:messages", "read:messages:all", "manage:messages", ""):
        with pytest.raises(ScopeMissing) as refused:
            principal("a").require_scope(scope)
        assert refused.value.details == {"scope": scope}


def test_managing_is_reading_and_writing_of_that_and_nothing_else() -> None:
    manager = Principal("ann", frozenset({"a"}), frozenset({"manage:messages"}))
    for scope in ("read:messages", "write:messages"):
        manager.require_scope(scope)
    for scope in ("admin:messages", "read:people", "write:messages-of-others", "read:", "read"):
        with pytest.raises(ScopeMissing):
            manager.require_scope(scope)


def test_idempotency_keys_of_two_callers_or_of_other_brands_never_meet() -> None:
    callers = [principal("a"), principal("b"), principal("a", "b"), principal("a", subject="bob")]
    shifting = [
        principal("a", "b"),
        principal("b", subject="ann\na"),
        principal(subject="ann\na\nb"),
        principal("a\nb"),
        principal('a", "b'),
        Principal("ann", frozenset("ab"), frozenset(), issuer="x"),
    ]
    scopes = [caller.idempotency_scope for caller in callers]
    assert len(set(scopes)) == 4
    assert len({each.idempotency_scope for each in shifting}) == len(shifting)
    assert principal("b", "a").idempotency_scope == principal("a", "b").idempotency_scope
