"""What storage promises, one protocol an aggregate. The docstrings here are the contract."""
