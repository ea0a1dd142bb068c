"""What the keys do: one module per family of actions, each registering plain functions by the id of their row in `keymap`."""
