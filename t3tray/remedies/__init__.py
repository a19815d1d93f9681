"""Remedies: one module for a kind of act, one shape for all (`plan`), one entry (`registry`)."""
