"""What both faces call: the engine, the loop that publishes snapshots, and the user's intents."""
