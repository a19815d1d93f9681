"""The demo: a temporary home with a real OpenCode, a built-in model, and generated data of T3 Code."""
