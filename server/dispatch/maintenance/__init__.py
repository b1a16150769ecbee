"""Loops beside delivery, one duty each."""
