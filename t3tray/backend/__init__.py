"""What both faces call: the backend, its parts, and the loop that publishes snapshots."""
