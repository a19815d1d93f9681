"""The managed `opencode serve`: start, health, lease, log and end of the process."""
