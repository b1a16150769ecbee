"""Rules without I/O: pure, with no clock of their own and nothing from the layers above."""
