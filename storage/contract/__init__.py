"""The promises of storage, one protocol an aggregate. The docstrings here are the contract."""
