"""Rules of people and addresses."""
