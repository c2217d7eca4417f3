"""A small synthetic camera-trap survey, drawn from nothing, to try everything else on.

Ten places, five kinds of animals, day and infrared night; the labels say what is drawn.
"""

from ctc.sample.survey import Survey, draw_survey

__all__ = ["Survey", "draw_survey"]
