"""The peers: other people's software, in an environment of its own, doing the same work as its
users would write it."""
