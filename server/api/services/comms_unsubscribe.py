"""carillon.comms.v1.UnsubscribeService: the only methods for people rather than programs."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from html import escape

from google.api import httpbody_pb2

from carillon.comms.v1 import suppression_service_pb2, suppression_service_pb2_grpc
from server.api.calls import REQUEST_ID
from server.api.guard import Context, current_metadata
from server.commands.unsubscribe import find_linked_message, unsubscribe
from server.domain.clock import Clock
from server.domain.unsubscribe import UnsubscribeLinks
from storage.interface import Storage

pb = suppression_service_pb2

_STYLE = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:30rem;margin:15vh auto;padding:0 1rem}button{font:inherit;padding:.5rem 1rem}"
_STYLE_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
PAGE_HEADERS = (
    # Nothing may be loaded or run, the form may be sent only to where it came from, and nobody may put the page in a frame.
    (
        "content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    # The address of the page is the token.
    ("referrer-policy", "no-referrer"),
    ("x-robots-tag", "noindex"),
)
_FORM = '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click"><button>Unsubscribe</button></form>'


class UnsubscribeService(suppression_service_pb2_grpc.UnsubscribeServiceServicer):
    """What a person does with the link in a mail. Nobody has a token here: the link is the right."""

    def __init__(self, storage: Storage, clock: Clock, links: UnsubscribeLinks) -> None:
        self._storage = storage
        self._clock = clock
        self._links = links

    async def ShowUnsubscribePage(self, request: pb.ShowUnsubscribePageRequest, context: Context) -> httpbody_pb2.HttpBody:
        message_id = self._links.message_id(request.token)
        await self._storage.read(lambda tx: find_linked_message(tx, message_id))
        return await _answer(context, "Unsubscribe", "Do you want to receive no more of these messages?", _FORM)

    async def Unsubscribe(self, request: pb.UnsubscribeRequest, context: Context) -> httpbody_pb2.HttpBody:
        message_id, now, request_id = self._links.message_id(request.token), self._clock.now(), current_metadata(REQUEST_ID)
        await self._storage.write(lambda tx: unsubscribe(tx, message_id, now, request_id))
        return await _answer(context, "Unsubscribed", "You will receive no more of these messages.")


async def _answer(context: Context, title: str, text: str, form: str = "") -> httpbody_pb2.HttpBody:
    await context.send_initial_metadata(PAGE_HEADERS)
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1><p>{escape(text)}</p>{form}</main></body></html>\n"
    )
    return httpbody_pb2.HttpBody(content_type="text/html; charset=utf-8", data=page.encode())
