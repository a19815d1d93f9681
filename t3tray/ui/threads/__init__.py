"""The thread list and a thread's page."""
