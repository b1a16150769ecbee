"""The outbox: writes messages as files, where no provider is set."""
