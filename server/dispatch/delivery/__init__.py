"""Delivers messages: the path of each to its provider, from claim to settlement."""
