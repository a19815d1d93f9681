"""Adapter to OpenCode 1.x: its HTTP API, its event stream and, read-only, its database."""
