"""Everything in which the SQL of SQLite and PostgreSQL differs."""
