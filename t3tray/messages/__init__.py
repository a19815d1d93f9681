"""Sentences that people read, one module for a subject. Values in, text out."""
