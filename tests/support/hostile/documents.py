"""Documents that nobody writes by mistake: Liquid, JSON and criteria, tokens, files of people."""

from __future__ import annotations

import base64
import json
from random import Random
from typing import Any

from tests.support.hostile.values import EDGES, NUMBERS, text

_VALUES = (
    "x", "y", "person", "person.name", "x[0]", "x['y']", "y[x[y[x]]]", "'a'", '""', "-1", "1.5e400",
    "99999999999999999999", "nil", "blank", "empty", "true", "(1..9999999)", "x.size", "campaign",
)  # fmt: skip
_FILTERS = (
    "append: x", "prepend: y", "split: ''", "join: ','", "date: '%s%N%Z'", "slice: -1, 9999999999",
    "times: 1e308", "divided_by: 0", "modulo: 0", "replace: '', 'ab'", "truncate: -5", "sort: 'x'",
    "map: 'x'", "where: 'x'", "uniq", "size", "first", "json", "h", "in_zone: 'Mars/X'", "reverse",
    "round: 99", "default: x", "escape", "strip_html", "url_decode", "base64_decode", "concat: y",
    "sum", "plus: x", "abs", "ceil", "upcase", "newline_to_br", "truncatewords: 0", "compact",
    "no_such_filter: 1",
)  # fmt: skip
_TAGS = (
    ("if {} == {}", "endif"), ("unless {} contains {}", "endunless"), ("for i in {}", "endfor"),
    ("for i in {} limit: {} offset: continue reversed", "endfor"), ("case {}", "endcase"),
    ("capture z", "endcapture"), ("tablerow i in {} cols: 2", "endtablerow"), ("raw", "endraw"),
    ("comment", "endcomment"), ("if {} and {} or {}", "else %}{% endif"),
)  # fmt: skip
_PIECES = (
    "{{ ", " }}", "{% ", " %}", "{%- ", "-%}", "endif", "elsif ", "else", "assign x = ", "break",
    "cycle 'a','b'", "render 'x'", "include 'x'", "increment n", "liquid\n", "# ", "| ", "when ",
    "..", "-", "'", '"', "\n",
)  # fmt: skip
_OPERATORS = (
    "and", "or", "!", "==", "!=", "<", "<=", ">", ">=", "in", "var", "contains", "starts_with",
    "missing", "within_last", "within_next", "longer_ago_than", "received", "some", "log", "if",
    "__proto__",
)  # fmt: skip
_CLAIMS = ("sub", "brands", "scope", "exp", "iat", "nbf", "iss", "aud", "jti", "kind")


def liquid(chance: Random, depth: int = 0) -> str:
    """Outputs and tags that Liquid knows, with what they are not meant for; or pieces in any
    order; or what is nested too deep."""
    kind = chance.random()
    if kind < 0.02 and not depth:
        return "{% if x %}" * chance.choice((50, 500, 5000))
    if kind < 0.2 or depth > 4:
        pieces = (*_PIECES, *_VALUES, *_FILTERS)
        return "".join(chance.choice(pieces) for _ in range(chance.choice((1, 5, 20))))
    if kind < 0.6:
        filters = "".join(f" | {chance.choice(_FILTERS)}" for _ in range(chance.randrange(5)))
        return f"{{{{ {chance.choice(_VALUES)}{filters} }}}}"
    opening, closing = chance.choice(_TAGS)
    filled = opening.format(*(chance.choice(_VALUES) for _ in range(3)))
    inside = "".join(liquid(chance, depth + 1) for _ in range(chance.choice((0, 1, 2, 3))))
    return f"{{% {filled} %}}{inside}{{% {closing} %}}"


def document(chance: Random, depth: int = 0) -> Any:
    """JSON of any shape, whose keys are operators of criteria more often than not."""
    kind = chance.randrange(9 if depth < 5 else 6)
    if kind < 2:
        return text(chance)
    if kind == 2:
        return chance.choice(EDGES)
    if kind == 3:
        return chance.choice(NUMBERS)
    if kind == 4:
        return chance.choice((None, True, False))
    if kind == 5:
        return {"var": chance.choice(("plan", "a.b.c", "", ".", text(chance)))}
    if kind == 6:
        return [document(chance, depth + 1) for _ in range(chance.choice((0, 1, 2, 3, 9)))]
    return {
        chance.choice(_OPERATORS) if chance.random() < 0.8 else text(chance): document(
            chance, depth + 1
        )
        for _ in range(chance.choice((0, 1, 1, 1, 3)))
    }


def deep(chance: Random) -> Any:
    """Operators in operators, deeper than anybody nests them."""
    found: Any = {"==": [{"var": "plan"}, 1]}
    for _ in range(chance.choice((20, 200, 900))):
        found = {chance.choice(("and", "or", "!")): [found]}
    return found


def damaged(good: str, chance: Random) -> str:
    """A token with something changed in it."""
    at = chance.randrange(len(good) + 1)
    match chance.randrange(5):
        case 0:
            return good[:at]
        case 1:
            return good[:at] + chance.choice("AZaz09-_.=+/ \n\x00é") + good[at + 1 :]
        case 2:
            return good + good
        case 3:
            return base64.urlsafe_b64encode(chance.randbytes(chance.choice((1, 16, 70)))).decode()
        case _:
            return base64.urlsafe_b64encode(_json(document(chance))).decode().rstrip("=")


def unsigned(chance: Random) -> str:
    """Three parts that look like a JWT."""
    header = {"alg": chance.choice(("EdDSA", "none", "HS256", text(chance))), "kid": text(chance)}
    claims = {name: document(chance, 4) for name in chance.sample(_CLAIMS, 5)}
    parts = (_json(chance.choice((header, document(chance)))), _json(claims), chance.randbytes(64))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def webhook(chance: Random) -> bytes:
    """A body as a provider might send it."""
    if chance.random() < 0.2:
        return chance.randbytes(chance.choice((0, 1, 300))) + b"[" * chance.choice((0, 5000))
    fields = ("type", "brand_id", "recipient_email", "vendor_message_id", "data")
    body = {name: document(chance, 3) for name in fields if chance.random() < 0.8}
    if chance.random() < 0.5:
        body |= {"recipient_email": "ann@example.com", "data": {"bounce": document(chance, 3)}}
    return _json(body)


def people_file(chance: Random) -> bytes:
    """CSV, or lines of JSON, with what breaks readers of either."""
    head = chance.choice(("person_id,email", "person_id;email;x", "person_id\temail", text(chance)))
    cells = ('"', ",", ";", "\n", "\r", "\r\n", "\x00", "a", "=1+1", "ann@example.com", '"a\n"')
    rows = "".join(
        text(chance) if chance.random() < 0.1 else chance.choice(cells)
        for _ in range(chance.choice((0, 3, 40, 300)))
    )
    codec = chance.choice(("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"))
    data = f"{head}\n{rows}".encode(codec, "replace")
    return data if chance.random() < 0.8 else data + chance.randbytes(20) + data


def json_lines(chance: Random) -> bytes:
    """Objects of people, one to a line, and what is none."""
    return b"\n".join(
        _json(document(chance)) if chance.random() < 0.8 else chance.randbytes(9)
        for _ in range(chance.choice((0, 1, 5)))
    )


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
