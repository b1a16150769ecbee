"""Says who calls: the keys of the installation, its tokens, and those of other issuers."""
