"""The `carillon` command."""
