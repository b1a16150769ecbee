"""What a process needs beside its work: logs, metrics, tokens, readiness, and what a start shows
and makes."""
