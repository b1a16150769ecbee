"""Who must not be contacted."""
