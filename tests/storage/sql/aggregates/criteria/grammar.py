"""People and criteria made up by hypothesis, from so few names and values that they often meet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeVar

from hypothesis import strategies as st

from storage.model.people import Person

T = TypeVar("T")

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)

ATTRIBUTES = ("a", "b", "ü", "q\"u'o", "tab\t\\", "0", "id", "created_at", "a[0]", "$")
_BUILT_IN = ("id", "email", "phone", "locale", "time_zone", "created_at", "updated_at")
_UNITS = {
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
    "weeks": timedelta(weeks=1),
}
_SPANS = ((30, "days"), (24, "hours"))
_RARE_SPANS = ((1, "minutes"), (2, "weeks"), (36500, "days"), (720, "hours"))

_EDGES = tuple(
    (NOW + step * count * _UNITS[unit] + timedelta(microseconds=off)).isoformat()
    for count, unit in _SPANS
    for step in (-1, 0, 1)
    for off in (-1, 0, 1)
)
_WORDS = ("", "1", "a", "ab", "b", "true")
_COMMON: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    1.0,
    2,
    [],
    [1],
    ["a"],
    {},
    *_WORDS,
    *_EDGES[:9],
)
# fmt: off
_RARE_WORDS = ("0", "1.0", "null", "AB", "ü", "u\u0308", "\uffff", "\U0001f600", "'", '"', "\\",
    "%", "_", "{}", "[]")
_NUMBERS = (
    -1, 30, -0.0, 0.1, 0.2, 0.3, 0.1 + 0.2, 1e22, 1e23, 10**20, 10**23, 10**23 + 1, 2**53,
    2**53 + 1, 2.0**53, 2**63 - 1, 2**63,
    -(2**63) - 1, 10**400, -(10**400), 5e-324, 1.7976931348623157e308, -1.7976931348623157e308,
)
# fmt: on


def _mostly(common: st.SearchStrategy[T], rare: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """Three in four are common. (Repeating a strategy in `one_of` would give it no weight.)"""
    return st.integers(0, 3).flatmap(lambda number: common if number else rare)


def _texts() -> st.SearchStrategy[str]:
    free = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=4)
    return _mostly(
        st.sampled_from(_WORDS + _EDGES), st.one_of(st.sampled_from(_RARE_WORDS), _dates(), free)
    )


@st.composite
def _dates(draw: st.DrawFn) -> str:
    """Strings that are dates, near an edge or at the ends of time; and strings that are almost
    dates."""
    if draw(st.booleans()):
        count, unit = draw(st.sampled_from(_SPANS + _RARE_SPANS))
        distance = count * _UNITS[unit]
        instant: datetime = (
            NOW
            + draw(st.sampled_from((-1, 0, 1))) * distance
            + timedelta(microseconds=draw(st.integers(-2, 2)))
        )
        zone = timezone(
            timedelta(minutes=draw(st.sampled_from((0, 60, -330, 15 * 60 + 59, -12 * 60))))
        )
        return instant.astimezone(zone).isoformat(
            draw(st.sampled_from("T ")), timespec="microseconds"
        )
    parts = (
        ("0000", "0001", "1900", "2000", "2023", "2024", "2026", "9999", "26"),
        ("-00", "-01", "-02", "-03", "-04", "-12", "-13"),
        ("-00", "-01", "-28", "-29", "-30", "-31", "-1"),
        (
            "",
            "T12:00:00",
            "t00:00:00",
            " 23:59:59.999999",
            "T24:00:00",
            "T23:59:60",
            "T12:00",
            "T01:02:03.",
            "T12:00:00.1234567",
        ),
        ("", "Z", "z", "+00:00", "-15:59", "+15:59", "+16:00", "+0100", "-00:00", "\n"),
    )
    return "".join(draw(st.sampled_from(part)) for part in parts)


def _scalars() -> st.SearchStrategy[Any]:
    """Values without parts."""
    common = st.sampled_from([value for value in _COMMON if not isinstance(value, list | dict)])
    numbers = st.one_of(
        st.sampled_from(_NUMBERS), st.floats(allow_nan=False, allow_infinity=False), st.integers()
    )
    return _mostly(common, st.one_of(numbers, _texts()))


def _values() -> st.SearchStrategy[Any]:
    keys = st.sampled_from(ATTRIBUTES[:4])
    deep = st.recursive(
        _scalars(),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)
        ),
        max_leaves=4,
    )
    return _mostly(st.sampled_from(_COMMON), deep)


def _moments() -> st.SearchStrategy[datetime]:
    distances = st.sampled_from(
        (
            timedelta(),
            timedelta(days=30),
            timedelta(days=36500),
            timedelta(hours=1),
            timedelta(weeks=2),
        )
    )
    return st.builds(
        lambda distance, off: NOW - distance + timedelta(microseconds=off),
        distances,
        st.integers(-2, 0),
    )


def people(count: int) -> st.SearchStrategy[list[Person]]:
    """That many people of one brand."""
    texts = st.one_of(st.none(), _texts())
    fields = st.tuples(
        st.fixed_dictionaries(
            {"a": _values()}, optional={"b": _values(), ATTRIBUTES[3]: _values(), "id": _values()}
        ),
        texts,
        texts,
        texts,
        texts,
        _moments(),
        _moments(),
    )
    return st.lists(fields, min_size=count, max_size=count).map(
        lambda all_fields: [_person(index, *each) for index, each in enumerate(all_fields)]
    )


def _person(index: int, attributes: dict[str, Any], *fields: Any) -> Person:
    email, phone, locale, time_zone, created_at, updated_at = fields
    return Person(
        brand_id="brand",
        person_id=("a", "ab", "B", "ü", "1", "2026-03-01", "z", "\U0001f600")[index],
        attributes=attributes,
        email=email,
        phone=phone,
        push_tokens=(),
        locale=locale,
        time_zone=time_zone,
        created_at=created_at,
        updated_at=updated_at,
    )


def _names() -> st.SearchStrategy[str]:
    """Names of variables: mostly of the one attribute that everybody has."""
    paths = st.lists(st.sampled_from(ATTRIBUTES), min_size=1, max_size=3).map(".".join)
    rare = st.one_of(
        st.sampled_from(_BUILT_IN), st.just("b"), paths.map(lambda path: f"attributes.{path}")
    )
    return _mostly(st.just("a"), rare)


def _variables() -> st.SearchStrategy[Any]:
    return _names().map(lambda name: {"var": name})


def _operands(constants: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(_variables(), constants)


def _predicates() -> st.SearchStrategy[Any]:
    # As the parser wants them: a whole number beyond all doubles is refused.
    constants = _scalars().filter(lambda value: not isinstance(value, int) or abs(value) < 10**300)
    ordered = _operands(
        constants.filter(lambda value: value is not None and not isinstance(value, bool))
    )
    texts = _operands(_texts())
    lists = st.lists(constants, min_size=1, max_size=4)
    pairs = {
        **dict.fromkeys(("==", "!="), st.tuples(_operands(constants), _operands(constants))),
        **dict.fromkeys(("<", "<=", ">", ">="), st.tuples(ordered, ordered)),
        "in": st.one_of(
            st.tuples(_operands(constants), st.one_of(_variables(), lists)),
            st.tuples(texts, _texts()),
        ),
        "contains": st.one_of(
            st.tuples(st.one_of(_variables(), lists), _operands(constants)),
            st.tuples(_texts(), texts),
        ),
        "starts_with": st.tuples(texts, texts),
    }
    applied = [
        operands.map(lambda each, name=name: {name: list(each)})  # type: ignore[misc]
        for name, operands in pairs.items()
    ]
    between = st.tuples(st.sampled_from(("<", "<=")), st.tuples(ordered, ordered, ordered)).map(
        lambda each: {each[0]: list(each[1])}
    )
    missing = st.lists(_names(), min_size=1, max_size=3).map(lambda each: {"missing": each})
    periods = st.sampled_from(("within_last", "within_next", "longer_ago_than"))
    spans = _mostly(st.sampled_from(_SPANS), st.sampled_from(_RARE_SPANS))
    dates = st.tuples(periods, _variables(), spans).map(lambda each: {each[0]: [each[1], *each[2]]})
    return st.one_of(_variables(), *applied, between, missing, dates)


def criteria() -> st.SearchStrategy[Any]:
    """Criteria that the parser must take."""
    leaves: st.SearchStrategy[Any] = _mostly(
        _predicates(), st.one_of(_predicates(), st.booleans(), st.just({}))
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda each: {"and": each}),
            st.lists(inner, min_size=1, max_size=3).map(lambda each: {"or": each}),
            inner.map(lambda each: {"!": each}),
            inner.map(lambda each: {"!": [each]}),
        ),
        max_leaves=6,
    )
