"""SQLite: its engine, writer and readers."""
