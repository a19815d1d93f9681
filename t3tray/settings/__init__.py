"""What the user can set, and the rules for it."""
