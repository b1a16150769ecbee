"""What storage promises. The docstrings here are the contract; `storage.sql` keeps it on SQLite and
PostgreSQL."""
