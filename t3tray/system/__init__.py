"""What the operating system offers: paths, secrets, terminals, processes, file watching, read-only SQLite."""
