"""Use cases of suppressions: who must not be contacted."""
