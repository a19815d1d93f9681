"""The adapter to OpenCode 1.x: its server, its process, its events and, read-only, its database."""
