"""T3 Code's data on disk: its homes, threads, settings and logs. Only `cursor_repair` and `settings_file` write there."""
