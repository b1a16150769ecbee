"""Use cases of the gate: whether a person may be contacted."""
