"""What the machine offers: paths, secrets, terminals, file watching."""
