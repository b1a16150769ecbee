"""Answers the gateway, which asks by the head of a request whether its body is worth taking.

Not of the API: a caller who finds it learns what any call would tell them. There is no message
either way, so no proto.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import grpc

from server.api.errors import (
    CODES,
    HTTP_CODE_KEY,
    http_status,
    public_details,
    public_error,
)
from server.api.interceptors import call
from server.api.interceptors.authentication import Authentication
from server.api.interceptors.call import Context
from server.api.policies import Policy

SERVICE, METHOD = "carillon.gateway.v1.Admission", "Judge"
JUDGED_METHOD_KEY = "x-judged-method"
ADMITTED_KEY, ERROR_BODY_KEY = "x-admitted", "x-error-body"


def admission_handler(
    authentication: Authentication, policies: Mapping[str, Policy]
) -> grpc.GenericRpcHandler:
    """Judges by the metadata of a call, as the guard will, whoever names a method in it."""

    async def judge(_messages: Any, context: Context) -> bytes:
        method = str(dict(call.metadata.get()).get(JUDGED_METHOD_KEY))
        if method not in policies:
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such method")
        try:
            await authentication.admit(policies[method], call.metadata.get())
        except Exception as error:  # noqa: BLE001 - every fault is answered with the fixed text
            await _refuse(context, error, method, policies[method])
        await context.send_initial_metadata(((ADMITTED_KEY, "true"),))
        return b""

    return grpc.method_handlers_generic_handler(
        SERVICE, {METHOD: grpc.stream_unary_rpc_method_handler(judge)}
    )


async def _refuse(context: Context, error: Exception, method: str, policy: Policy) -> None:
    """Answers with the error as REST has it, so that the gateway need not read protobuf."""
    public = public_error(error, method)
    code = CODES.get(type(public), grpc.StatusCode.INTERNAL)
    details = public_details(public)
    body = {"error": public.reason, "message": public.message} | (
        {"details": details} if details else {}
    )
    metadata = (
        (HTTP_CODE_KEY, str(http_status(code, policy))),
        (ERROR_BODY_KEY, json.dumps(body)),
    )
    await context.abort(code, public.message, metadata)
