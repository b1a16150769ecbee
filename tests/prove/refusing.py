"""What is refused costs nothing: judged by its head, before its body is received."""

from __future__ import annotations

from tests.prove.mutation import Mutation

REFUSING = (
    Mutation(
        name="refused-before-the-message",
        where="_refusing",
        original="grpc.stream_unary_rpc_method_handler(refuse)",
        mutated="grpc.unary_unary_rpc_method_handler(refuse)",
        tests=("test_without_a_token_no_message_is_awaited[grpc_port]",),
    ),
)
