"""Where SQLite and PostgreSQL differ in SQL, and only here."""
