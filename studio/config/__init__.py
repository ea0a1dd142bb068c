"""Settings, folders and secrets by reference."""
