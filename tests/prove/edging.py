"""The edge: what listens, what is written, and what a neighbour on the machine can reach."""

from __future__ import annotations

from tests.prove.mutation import Mutation

EDGING = (
    Mutation(
        name="import-follows-no-link",
        where="open_private",
        original="        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)\n",
        mutated="        return os.open(path, flags | os.O_CLOEXEC, 0o600)\n",
        tests=("test_a_checkpoint_is_not_read_through_a_symbolic_link",),
    ),
    Mutation(
        name="what-is-written-is-its-owners",
        where="main",
        original="    os.umask(UMASK)\n",
        mutated="",
        tests=("test_everything_a_run_leaves_is_its_owners_alone",),
    ),
    Mutation(
        name="envoy-gets-no-secrets",
        where="_environment",
        original="if name in PASSED_ON",
        mutated="",
        tests=("test_envoy_gets_none_of_our_environment_but_what_it_needs",),
    ),
    Mutation(
        name="secrets-of-others-are-refused",
        where="read_private",
        original="        if mode & OTHERS:\n",
        mutated="        if not mode:\n",
        tests=(
            "test_a_secret_that_others_can_use_is_refused",
            "test_a_key_that_others_may_use_is_refused_with_the_remedy",
        ),
    ),
    Mutation(
        name="a-password-hides-its-whole-url",
        where="shown_url",
        original='    if "@" in extra:\n',
        mutated="    if not scheme:\n",
        tests=("test_a_url_is_shown_without_what_may_be_secret",),
    ),
    Mutation(
        name="idle-connections-make-room",
        where="./envoy.yaml",
        original="{ timer: HTTP_DOWNSTREAM_CONNECTION_IDLE, min_timeout: 1s }",
        mutated="{ timer: HTTP_DOWNSTREAM_CONNECTION_IDLE, min_timeout: 300s }",
        tests=("test_idle_connections_to_the_gateway_make_room_when_there_are_many",),
    ),
    Mutation(
        name="resets-close-their-connection",
        where="./envoy.yaml",
        original="overload.premature_reset_total_stream_count: 200\n"
        "        overload.premature_reset_min_stream_lifetime_seconds: 1\n"
        "        http.max_requests_per_io_cycle: 20",
        mutated="overload.premature_reset_total_stream_count: 500",
        tests=("test_of_requests_that_are_taken_back_at_once_few_are_begun",),
    ),
    Mutation(
        name="grpc-takes-so-many-connections",
        where="connection_options",
        original='        ("grpc.max_allowed_incoming_connections", most),\n',
        mutated="",
        tests=("test_a_crowded_grpc_port_takes_no_more_and_the_gateway_answers_all_the_same",),
    ),
    Mutation(
        name="clients-show-a-certificate",
        where="server_credentials",
        original="require_client_authentication=files.client_ca is not None",
        mutated="require_client_authentication=False",
        tests=("test_clients_of_no_authority_get_no_answer",),
    ),
    Mutation(
        name="new-certificates-over-grpc",
        where="_Certificates.changed",
        original="            self._state = state\n            return self._read()\n",
        mutated="            return None\n",
        tests=("test_a_new_certificate_is_shown_without_a_restart",),
    ),
    Mutation(
        name="new-certificates-at-the-gateway",
        where="write_secrets",
        original='"certificate_chain": {"filename": str(certificate)}',
        mutated='"certificate_chain": {"inline_string": certificate.read_text()}',
        tests=("test_a_new_certificate_is_shown_without_a_restart",),
    ),
    Mutation(
        name="certificates-fit-their-keys",
        where="_Certificates._read",
        original="        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(\n"
        '            files.certificate, files.key, lambda: ""\n        )\n',
        mutated="",
        tests=("test_nothing_starts_with_a_certificate_of_another_key",),
    ),
    Mutation(
        name="the-gateway-takes-so-many-connections",
        where="render",
        original='_set_connections(bootstrap["overload_manager"], '
        "room_for(settings.max_connections))",
        mutated="pass",
        tests=("test_idle_connections_to_the_gateway_make_room_when_there_are_many",),
    ),
)
