"""What Carillon keeps: `model` (records), `contract` (what storage promises) and `sql` (SQLite and
PostgreSQL keeping it)."""
