"""PostgreSQL: its engine."""
