"""The loops beside delivery, one duty each."""
