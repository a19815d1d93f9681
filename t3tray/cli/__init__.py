"""The command line: parser, output as text and JSON, and the commands."""
