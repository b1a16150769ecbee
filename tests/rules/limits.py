"""Limits that the protos state, as numbers of their own: a test that read them there would not
notice a slip."""

ID_LENGTH = 128
NAME_LENGTH = 200
DESCRIPTION_LENGTH = 2000
SUBJECT_LENGTH = 998
"""RFC 5322, 2.1.1: a line is at most 998 characters."""
ADDRESS_LENGTH = 512
BODY_LENGTH = 1024 * 1024
NOTE_LENGTH = 1000
PUSH_TOKENS = 20
TEXT_LENGTH = 10_000
LINK_LENGTH = 2048
