"""Values and pure rules. No I/O, no clock, no randomness: whatever is needed is passed in."""
