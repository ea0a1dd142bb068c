"""The process that hosts one project's engine: its listener, its connections, its life cycle."""
