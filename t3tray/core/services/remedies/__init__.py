"""The remedies: one small module for each kind of act, one shape for all (`plan`), one door (`remedies`)."""
