"""A thread's conversation on its page: the messages, the pending requests, and the composer."""
