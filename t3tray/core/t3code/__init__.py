"""T3 Code's data on disk, read-only: where it is, what its threads are, what its logs remember. It never writes there."""
