"""From statistics to a verdict, its reason and what to try next."""

from lrwatch.diagnosis.diagnosis import CLASSES, Alarm, Diagnosis, Evidence, LearningRate, Verdict

__all__ = ["CLASSES", "Alarm", "Diagnosis", "Evidence", "LearningRate", "Verdict"]
