"""Delivers messages to HTTP gateways."""
