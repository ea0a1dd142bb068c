"""Studio: a keyboard-driven authoring studio in the terminal. The package's version lives here, nothing else."""

__version__ = "0.1.0"
