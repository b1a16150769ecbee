"""The path of a message to its provider, from claim to settlement."""
