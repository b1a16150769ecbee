"""The errors of ports and the gateway."""


class GatewayError(Exception):
    """A port cannot be listened on, or Envoy cannot be started or does not stay up; the text is one
    line for an operator."""
