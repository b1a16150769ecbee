"""Checks that every call passes before its method runs."""
