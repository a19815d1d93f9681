"""Settings: definitions, validation, storage and changes."""
