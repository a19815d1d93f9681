"""t3tray's own SQLite file: threads, cursors, journal, receipts, server lease, settings. No other package runs SQL on it."""
