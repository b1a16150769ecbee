"""HTTP gateways."""
