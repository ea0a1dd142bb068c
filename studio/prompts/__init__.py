"""The machinery that turns canon, pages and templates into a prompt."""
