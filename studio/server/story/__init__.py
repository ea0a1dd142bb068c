"""The Story API: named routes over the same commands, for agents that write narration and dialogue from outside."""
