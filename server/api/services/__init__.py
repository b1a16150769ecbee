"""One servicer per service: read the request, run the command, convert the answer. No rule lives
here."""
