"""Threads: reading them, collecting evidence, assessing, verifying, sending, creating."""
