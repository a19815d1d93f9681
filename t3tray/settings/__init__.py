"""The settings, from one table of definitions that the store, the command line, the window and the documentation read."""
