"""The guard in the window."""
