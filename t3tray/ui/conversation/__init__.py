"""A thread's conversation on the page: its messages, what waits for an answer, and where the next message is typed."""
