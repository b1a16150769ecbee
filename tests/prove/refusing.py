"""What is refused costs nothing, and what is not has bounds: heads, bodies, pages, logs."""

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
    Mutation(
        name="refused-by-the-head",
        where="server/gateway/lua/rest.lua",
        original="not operation.public and tokens.problem(",
        mutated="false and tokens.problem(",
        tests=("test_without_a_token_no_body_is_awaited",),
    ),
    Mutation(
        name="asked-before-a-large-body",
        where="server/gateway/lua/admission.lua",
        original="if operation then require_admission(handle, operation) end",
        mutated="",
        tests=("test_before_a_large_body_the_server_is_asked[large]",),
    ),
    Mutation(
        name="larger-than-its-method-takes",
        where="reading",
        original="if len(data) > max_bytes:",
        mutated="if False:",
        tests=("test_a_message_larger_than_its_method_takes_is_not_read",),
    ),
    Mutation(
        name="little-is-held-of-bodies",
        where="server/gateway/lua/passing.lua",
        original="reader.has_no_room = not held.add(reader.claim, bytes)",
        mutated="held.add(reader.claim, bytes)",
        tests=("test_who_holds_too_much_is_refused_and_nobody_else",),
    ),
    Mutation(
        name="page-of-bytes",
        where="make_page",
        original="max(fitting, 1)",
        mutated="request.size",
        tests=("test_a_page_ends_early_where_its_rows_are_large_and_the_next_goes_on_there",),
    ),
    Mutation(
        name="log-without-metadata",
        where="configure_logging",
        original="    logging.getLogger(GRPC).addFilter(_tells_no_metadata)\n",
        mutated="",
        tests=("test_metadata_that_are_not_utf8_are_not_logged",),
    ),
)
