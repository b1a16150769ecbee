"""Liquid as its reference has it: values, filters, dates."""
