"""Values and pure rules. No I/O, no clock, no randomness: whatever is needed is passed in.

Those of which thousands are made in one look are structs: a frozen dataclass takes six to ten times as long to make.
"""
