"""The terminal workbench."""
