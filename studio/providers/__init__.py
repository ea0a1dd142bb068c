"""Adapters to models' services."""
