"""Plain data and rules of a book: no I/O, no await, no third-party import."""
