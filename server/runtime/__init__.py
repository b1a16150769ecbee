"""What a process needs beside its work: logs, metrics, readiness, and what a start shows
and makes."""
