"""The demo: a scratch world with a real OpenCode, a built-in model and a home of T3 Code."""
