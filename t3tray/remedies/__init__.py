"""Remedies: one module for each kind of act, one shape for all (`plan`), one entry point (`registry`)."""
