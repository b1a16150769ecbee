"""Criteria: who is in a segment, in JsonLogic (jsonlogic.com) as docs/segments.md teaches it.

`parse` reads them into the types of `storage.model.criteria`, `check` judges those of a request,
and `storage.sql.aggregates.criteria` makes SQL of them. What they mean is written once more, in
Python, in `tests/support/criteria_reference.py`, to which tests hold the SQL.
"""
