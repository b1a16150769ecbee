"""People and criteria made up by hypothesis, from so few names and values that they often meet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from storage.records import Person

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)

ATTRIBUTES = ("a", "b", "ü", "q\"u'o", "tab\t\\", "0", "id", "created_at", "a[0]", "$")
_BUILT_IN = ("id", "email", "phone", "locale", "time_zone", "created_at", "updated_at")
_COUNTS = (1, 2, 30, 36500)
_UNITS = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1), "days": timedelta(days=1), "weeks": timedelta(weeks=1)}

_TEXTS = (
    "",
    "0",
    "1",
    "1.0",
    "true",
    "null",
    "a",
    "ab",
    "b",
    "AB",
    "ü",
    "u\u0308",
    "\uffff",
    "\U0001f600",
    "'",
    '"',
    "\\",
    "%",
    "_",
    "{}",
    "[]",
)
_NUMBERS = (
    *(0, 1, -1, 2, 30, 1.0, -0.0, 0.1, 0.2, 0.3, 0.1 + 0.2, 1e22, 1e23, 10**20, 10**23, 10**23 + 1),
    *(
        2**53,
        2**53 + 1,
        2.0**53,
        2**63 - 1,
        2**63,
        -(2**63) - 1,
        10**400,
        -(10**400),
        5e-324,
        1.7976931348623157e308,
        -1.7976931348623157e308,
    ),
)


def _texts() -> st.SearchStrategy[str]:
    free = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=4)
    return st.one_of(st.sampled_from(_TEXTS), _dates(), free)


@st.composite
def _dates(draw: st.DrawFn) -> str:
    """Strings that are dates, near an edge or at the ends of time; and strings that are almost dates."""
    if draw(st.booleans()):
        distance = draw(st.sampled_from(_COUNTS)) * _UNITS[draw(st.sampled_from(sorted(_UNITS)))]
        instant = NOW + draw(st.sampled_from((-1, 0, 1))) * distance + timedelta(microseconds=draw(st.integers(-2, 2)))
        zone = timezone(timedelta(minutes=draw(st.sampled_from((0, 60, -330, 15 * 60 + 59, -12 * 60)))))
        return instant.astimezone(zone).isoformat(draw(st.sampled_from("T ")), timespec="microseconds")
    year = draw(st.sampled_from(("0000", "0001", "1900", "2000", "2023", "2024", "2026", "9999", "26")))
    month, day = (
        draw(st.sampled_from(("00", "01", "02", "03", "04", "12", "13"))),
        draw(st.sampled_from(("00", "01", "28", "29", "30", "31", "1"))),
    )
    clock = draw(
        st.sampled_from(
            ("", "T12:00:00", "t00:00:00", " 23:59:59.999999", "T24:00:00", "T23:59:60", "T12:00", "T01:02:03.", "T12:00:00.1234567")
        )
    )
    offset = draw(st.sampled_from(("", "Z", "z", "+00:00", "-15:59", "+15:59", "+16:00", "+0100", "-00:00", "\n")))
    return f"{year}-{month}-{day}{clock}{offset}"


def scalars() -> st.SearchStrategy[Any]:
    """Values without parts."""
    numbers = st.one_of(st.sampled_from(_NUMBERS), st.floats(allow_nan=False, allow_infinity=False), st.integers())
    return st.one_of(st.none(), st.booleans(), numbers, _texts())


def _values() -> st.SearchStrategy[Any]:
    keys = st.sampled_from(ATTRIBUTES)
    return st.recursive(
        scalars(), lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)), max_leaves=5
    )


def _moments() -> st.SearchStrategy[datetime]:
    distances = st.sampled_from((timedelta(), timedelta(days=30), timedelta(days=36500), timedelta(hours=1), timedelta(weeks=2)))
    return st.builds(lambda distance, off: NOW - distance + timedelta(microseconds=off), distances, st.integers(-2, 0))


def people(count: int) -> st.SearchStrategy[list[Person]]:
    """That many people of one brand."""
    texts = st.one_of(st.none(), _texts())
    fields = st.tuples(
        st.dictionaries(st.sampled_from(ATTRIBUTES), _values(), max_size=6), texts, texts, texts, texts, _moments(), _moments()
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


def names() -> st.SearchStrategy[str]:
    """Names of variables."""
    parts = st.lists(st.sampled_from(ATTRIBUTES), min_size=1, max_size=3)
    paths = st.one_of(st.sampled_from(ATTRIBUTES), parts.map(".".join)).map(
        lambda path: path if path in _BUILT_IN else f"attributes.{path}"
    )
    return st.one_of(st.sampled_from(ATTRIBUTES[:4]), paths, st.sampled_from(_BUILT_IN))


def _variables() -> st.SearchStrategy[Any]:
    return names().map(lambda name: {"var": name})


def _operands(constants: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(_variables(), _variables(), constants)


def _sized(constants: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return constants.filter(lambda value: not isinstance(value, int) or abs(value) < 10**300)


def _predicates() -> st.SearchStrategy[Any]:
    constants = _sized(scalars())
    ordered = _operands(constants.filter(lambda value: value is not None and not isinstance(value, bool)))
    texts = _operands(_texts())
    lists = st.lists(constants, min_size=1, max_size=4)
    pairs = {
        **dict.fromkeys(("==", "!="), st.tuples(_operands(constants), _operands(constants))),
        **dict.fromkeys(("<", "<=", ">", ">="), st.tuples(ordered, ordered)),
        "in": st.one_of(st.tuples(_operands(constants), st.one_of(_variables(), lists)), st.tuples(texts, _texts())),
        "contains": st.one_of(st.tuples(st.one_of(_variables(), lists), _operands(constants)), st.tuples(_texts(), texts)),
        "starts_with": st.tuples(texts, texts),
    }
    applied = [operands.map(lambda each, name=name: {name: list(each)}) for name, operands in pairs.items()]  # type: ignore[misc]
    between = st.tuples(st.sampled_from(("<", "<=")), st.tuples(ordered, ordered, ordered)).map(lambda each: {each[0]: list(each[1])})
    missing = st.lists(names(), min_size=1, max_size=3).map(lambda each: {"missing": each})
    periods = st.sampled_from(("within_last", "within_next", "longer_ago_than"))
    dated = st.tuples(periods, _variables(), st.sampled_from(_COUNTS), st.sampled_from(sorted(_UNITS)))
    dates = dated.filter(lambda each: each[2] * _UNITS[each[3]] <= timedelta(days=36500)).map(lambda each: {each[0]: list(each[1:])})
    return st.one_of(_variables(), *applied, between, missing, dates, dates)


def criteria() -> st.SearchStrategy[Any]:
    """Criteria that the parser must take."""
    leaves: st.SearchStrategy[Any] = st.one_of(_predicates(), _predicates(), _predicates(), st.booleans(), st.just({}))
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
