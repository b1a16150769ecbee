"""The dispatcher: delivers messages, starts campaigns that come due, resolves audiences, takes back
leases whose worker is gone."""
