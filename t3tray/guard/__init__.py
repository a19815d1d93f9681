"""Reverse proxy between T3 Code and OpenCode: a message goes on in its thread's own session, or fails with a clear message."""
