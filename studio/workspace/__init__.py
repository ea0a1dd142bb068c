"""Files of a project: atomic writes inside a root, the lock, canon, the plain-text mirror."""
