"""Requests that provoke each documented status of the documented operations, area by area.

A status that is refused alike everywhere needs none: 403, and 500, which a broken storage makes of
the request that succeeds.
"""
