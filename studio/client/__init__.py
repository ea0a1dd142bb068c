"""Attaching to a project's engine process over its socket. Imports neither the engine nor the daemon."""
