"""SQLite: connections, the thread that writes, the threads that read."""
