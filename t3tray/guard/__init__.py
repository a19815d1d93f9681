"""The reverse proxy that T3 Code can be pointed at, so that it goes on in a thread's own session or fails in words."""
