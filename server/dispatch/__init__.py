"""What happens by itself: campaigns that come due, audiences to resolve, messages to deliver,
leases to take back."""
