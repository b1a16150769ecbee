"""Rules of delivery: retries, circuit breaker, lateness."""
