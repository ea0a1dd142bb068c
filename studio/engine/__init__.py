"""Takes commands, answers queries, emits events; has no screen and no socket."""
