"""The rules, pure: no I/O, no clock of its own, nothing from the layers above."""
