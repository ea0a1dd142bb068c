"""View state without a widget library."""
