"""Sentences for the user, one module for each subject. Values in, text out."""
