"""PostgreSQL: connections and storage."""
