"""The torch side: what an optimizer step was, measured at the least cost."""

from lrwatch.capture.recorder import Recorder
from lrwatch.capture.sampling import Sampling
from lrwatch.capture.values import StepValues

__all__ = ["Recorder", "Sampling", "StepValues"]
