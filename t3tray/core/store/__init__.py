"""Our one SQLite file: threads, cursors, journal, receipts, the server lease, settings. Nobody else runs SQL on it."""
