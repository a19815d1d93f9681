"""T3 Code's data on disk: where it is, what its threads are, what its logs remember. Only `repair` ever writes, one row."""
