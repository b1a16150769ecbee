"""`carillon import`: puts people from a file of any size into a running service."""
