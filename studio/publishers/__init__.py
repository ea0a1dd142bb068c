"""Where a finished app goes: one module for each destination, found by name in `registry`. Nothing is published without a plan."""
