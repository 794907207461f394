"""Lists as files, for those who answer for the service."""
