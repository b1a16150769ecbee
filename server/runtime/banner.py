"""Prints what a person sees when the service is ready: where it is, and three commands that work as
printed."""

from __future__ import annotations

from server.config import Settings
from server.runtime.demo import BRAND, TEMPLATE_KEY


def ready_text(settings: Settings, token: str | None) -> str:
    """The text; with a token for the demo brand, commands with it to paste."""
    there = (
        f"REST {settings.rest_address}  gRPC {settings.grpc_address}  data in {settings.data_dir}"
    )
    what = (
        f"Every call needs a token: `carillon token --brand {BRAND}` prints one."
        if token is None
        else _commands(settings, token)
    )
    return f"\nCarillon is ready.  {there}\n\n{what}\n\nCtrl-C stops everything.\n"


def _commands(settings: Settings, token: str) -> str:
    body = (
        f'{{"channel":"email","template_key":"{TEMPLATE_KEY}","recipient":"ada@example.com",'
        f'"brand_id":"{BRAND}","person_id":"ada",'
        """"dedup_key":"try-'$(date +%s)'","scheduled_at":"'$(date -u +%Y-%m-%dT%H:%M:%SZ)'"}"""
    )
    return f"""\
Send a message (REST), list messages (gRPC), see what went out. The token is good for an hour;
`carillon token` makes others:

curl -sS -X POST {settings.rest_address}/v1/messages/schedule \\
  -H 'content-type: application/json' \\
  -H 'authorization: Bearer {token}' \\
  -d '{body}'

grpcurl{"" if settings.tls_cert else " -plaintext"} -H 'authorization: Bearer {token}' \\
  -d '{{"brand_id":"{BRAND}"}}' {settings.grpc_address} \\
  carillon.comms.v1.MessageService/ListMessages

tail -n +1 {settings.data_dir}/outbox/email/*.eml"""
