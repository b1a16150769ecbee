"""Reads what operators are applied to: variables and constants, within what criteria may hold in
all."""

from __future__ import annotations

import math
import re

from server.domain.errors import ValidationFailed
from storage.model.criteria import Attribute, BuiltIn, Constant, Operand, Scalar, Variable

NODES = 500
"""Most operators, variables and constants of one criteria; a list counts once."""
LIST_ITEMS = 10_000
"""Most items of all the lists of one criteria."""
STRING_LENGTH = 1000
"""Longest string."""
NAME_LENGTH = 200
"""Longest name of a variable."""
NAME_PARTS = 10
"""Most parts of a name, between its dots."""
CAMPAIGNS = 20
"""Most questions for what somebody was sent: each looks at all messages of a person."""
CAMPAIGN_ID_LENGTH = 128
"""Longest id of a campaign."""

_ATTRIBUTES = "attributes"
_LARGEST_EXACT_INTEGER = 2**53
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def refusal(field: str, message: str) -> ValidationFailed:
    """What to raise."""
    return ValidationFailed.of(field, message)


class Allowance:
    """What criteria may still hold."""

    def __init__(self) -> None:
        self._nodes = NODES
        self._list_items = LIST_ITEMS
        self._campaigns = CAMPAIGNS

    def take_node(self, field: str) -> None:
        """Counts an operator, a variable or a constant. Raises ValidationFailed when there are too
        many."""
        self._nodes -= 1
        if self._nodes < 0:
            raise refusal(
                field,
                f"is one too many: criteria hold at most {NODES} operators, vars and constants",
            )

    def take_list(self, items: int, field: str) -> None:
        """Counts the items of a list. Raises ValidationFailed when there are too many."""
        self._list_items -= items
        if self._list_items < 0:
            raise refusal(
                field,
                f"is too long: the lists of criteria hold at most {LIST_ITEMS:,} items in all",
            )

    def take_campaign(self, field: str) -> None:
        """Counts a question for what somebody was sent. Raises ValidationFailed when there are too
        many."""
        self._campaigns -= 1
        if self._campaigns < 0:
            raise refusal(field, f"is one too many: criteria ask for at most {CAMPAIGNS} campaigns")


def read_operand(operand: object, field: str, allowance: Allowance) -> Operand:
    """A variable or a constant. Raises ValidationFailed."""
    allowance.take_node(field)
    return (
        read_variable(operand, field)
        if isinstance(operand, dict)
        else Constant(_read_scalar(operand, field))
    )


def read_choices(items: list[object], field: str, allowance: Allowance) -> tuple[Scalar, ...]:
    """A list of constants. Raises ValidationFailed."""
    if not items:
        raise refusal(field, "must not be empty")
    allowance.take_list(len(items), field)
    return tuple(_read_scalar(item, f"{field}[{index}]") for index, item in enumerate(items))


def read_variable(operand: object, field: str) -> Variable:
    """A `{"var": …}`. Raises ValidationFailed."""
    if not isinstance(operand, dict) or set(operand) != {"var"}:
        raise refusal(field, 'must be {"var": "<attribute>"}')
    return read_var(operand["var"], f"{field}.var")


def read_var(name: object, field: str) -> Variable:
    """What `var` is given: a name, which JsonLogic lets stand in a list. Raises
    ValidationFailed."""
    if isinstance(name, list) and len(name) == 2:
        raise refusal(
            field,
            "takes no default: say what to do without a value by missing, or by comparing with "
            "null",
        )
    return read_name(name[0] if isinstance(name, list) and len(name) == 1 else name, field)


def read_name(name: object, field: str) -> Variable:
    """The name of a variable. Raises ValidationFailed."""
    if not isinstance(name, str) or not name:
        raise refusal(field, "must be the name of an attribute, such as city or address.city")
    if len(name) > NAME_LENGTH:
        raise refusal(field, f"must be at most {NAME_LENGTH} characters")
    _require_storable(name, field)
    keys = tuple(name.split("."))
    if not all(keys):
        raise refusal(field, "must not have an empty part: a dot stands between two names")
    if len(keys) > NAME_PARTS:
        raise refusal(field, f"must have at most {NAME_PARTS} parts")
    return _variable(keys, field)


def read_campaign_id(campaign_id: object, field: str, allowance: Allowance) -> str:
    """The id of a campaign. Raises ValidationFailed."""
    allowance.take_campaign(field)
    if not isinstance(campaign_id, str) or not 0 < len(campaign_id) <= CAMPAIGN_ID_LENGTH:
        raise refusal(field, "must be the id of a campaign")
    _require_storable(campaign_id, field)
    return campaign_id


def _variable(keys: tuple[str, ...], field: str) -> Variable:
    first, *rest = keys
    if first == _ATTRIBUTES:
        if not rest:
            raise refusal(field, "must name one of the attributes, such as attributes.city")
        return Attribute(tuple(rest))
    if first not in list(BuiltIn):
        return Attribute(keys)
    if rest:
        raise refusal(
            field,
            f"{first} is built in and has no parts; attributes.{first} is the attribute of that "
            f"name",
        )
    return BuiltIn(first)


def _read_scalar(value: object, field: str) -> Scalar:
    if isinstance(value, str):
        if len(value) > STRING_LENGTH:
            raise refusal(field, f"must be at most {STRING_LENGTH} characters")
        _require_storable(value, field)
        return value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _read_number(value, field)
    raise refusal(field, "must be a string, a number, true, false or null")


def _read_number(value: float, field: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise refusal(field, "must be a finite number that fits a double")
    return value if abs(number) < _LARGEST_EXACT_INTEGER else number


def _require_storable(text: str, field: str) -> None:
    if _UNSTORABLE.search(text):
        raise refusal(field, "must be Unicode text without the NUL character")
