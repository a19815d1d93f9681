"""Values and pure rules. No I/O, no clock, no randomness: whatever is needed is passed in.

Values of which one scan makes thousands are msgspec structs: a frozen dataclass takes six to ten times as long to create.
"""
