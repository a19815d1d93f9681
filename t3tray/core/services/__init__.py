"""What the app does: resume, threads, recovery. Knows the domain and the adapters; knows no Qt and no command line."""
