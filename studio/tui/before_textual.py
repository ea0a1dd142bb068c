"""Settings that Textual reads at import: imported before it, by every module of this package that starts it."""

from __future__ import annotations

import gc
import os

# A stream is painted at its own pace (`WorkbenchOptions.fps`); this is how long a key that falls beside it waits for its echo at the
# 95th percentile: 47 ms with 15 frames a second, 28-35 with 30, 8-14 with 60, for the same bytes and CPU. A person's own values stand.
os.environ.setdefault("TEXTUAL_FPS", "60")
os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")

# Imports and the first frame make much and free little: without collections in between they take a sixth less. The application
# switches them on again once the book stands on the screen.
gc.disable()
