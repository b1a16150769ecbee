"""Statements about one aggregate each."""
