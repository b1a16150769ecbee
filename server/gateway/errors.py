"""The errors of the gateway."""


class GatewayError(Exception):
    """Envoy cannot be started or does not stay up; the text is one line for an operator."""
