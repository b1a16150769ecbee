"""Statements of the dispatcher: claims, settlements, recovery, retention."""
