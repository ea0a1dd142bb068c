"""Settings that Textual reads at import: imported before it, by every module of this package that starts it."""

from __future__ import annotations

import gc
import os

# 15 frames a second are smooth for text and cost a quarter of the bytes of 60 over SSH; a person's own values stand.
os.environ.setdefault("TEXTUAL_FPS", "15")
os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")

# Imports and the first frame make much and free little: without collections in between they take a sixth less. The application
# switches them on again once the book stands on the screen.
gc.disable()
