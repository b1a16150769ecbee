"""The statements of each aggregate, one file for each."""
