"""One thread's conversation: feed, reducer, archive and search."""
