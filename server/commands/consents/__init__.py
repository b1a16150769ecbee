"""Use cases of consents and preferences: what people agreed to, and what they want."""
