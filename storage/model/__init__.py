"""Records and their statuses, one file an aggregate. Imports nothing of the server."""
