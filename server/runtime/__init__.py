"""The process: logs, metrics, tokens, and what a start shows and makes."""
