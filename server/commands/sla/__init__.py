"""Use cases of what was agreed with providers: whether they do it."""
