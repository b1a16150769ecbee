"""Use cases of Web Push: the browsers of people, and what is sent to them."""
