"""Use cases of inboxes and the notifications in them."""
