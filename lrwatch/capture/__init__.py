"""The torch side: what an optimizer step was, measured at the least cost."""

from lrwatch.capture.recorder import Recorder, StepValues

__all__ = ["Recorder", "StepValues"]
