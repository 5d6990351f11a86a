"""What commissioning teaches of the signals that it saw."""

from dataclasses import replace

import numpy as np

from edge_agent.core.cohort import Cohort, Learned, Parts, forecast_of, terms_of, weights_of
from edge_agent.core.commissioning import Shown
from edge_agent.core.forecast import SensorModel, input_of, surprise_all
from edge_agent.core.limits import limits_on, rehearsed
from edge_agent.core.reference import Frames, fit_reference
from edge_agent.core.weighing import Answer, weigh_all


def learn(shown: Shown, model: SensorModel, parts: Parts = Parts.BOTH) -> Cohort | None:
    """Return the cohort of all signals that commissioning saw long and often enough.

    Levels are scaled first, as the model reads standardized values only; then its surprises, for a
    forecaster that is always a little off must not alarm.

    Args:
        shown: The frames of commissioning, at least one, all of one length.
        model: The model that will score the cohort.
        parts: What goes into the score.

    Returns:
        ``None`` if no signal qualifies.
    """
    shown = shown.of_the_familiar()
    if not shown.names:
        return None
    terms = terms_of(model, int(shown.ends_ns[0] - shown.starts_ns[0]))
    commissioned_ns = int(shown.ends_ns[-1] - shown.starts_ns[0])
    frames = Frames(shown.table, shown.starts_ns, shown.ends_ns, shown.thinning)
    levels = fit_reference(frames, [len(shown.names)])
    draft = Cohort(Learned(shown.names, levels, np.inf, np.inf, commissioned_ns, terms))
    asked = [draft.ask(*frame, input_of(model)) for frame in shown.frames()]
    questions = [question for question in asked if question is not None]
    surprises = surprise_all(questions, model)
    frames = replace(frames, values=np.concatenate((shown.table, np.array(surprises)), axis=1))
    families = [len(shown.names), len(forecast_of(shown.names))]
    reference = fit_reference(frames, families)
    weights = np.where(np.isnan(frames.values), 0.0, weights_of(shown.names, parts))
    limits = limits_on(rehearsed(frames, families, weights), frames, weights)
    cohort = Cohort(Learned(shown.names, reference, *limits, commissioned_ns, terms), parts)
    cohort.history = draft.history
    answered = zip(questions, surprises, strict=True)
    weigh_all([Answer(cohort, question, row) for question, row in answered])
    cohort.trust()
    return cohort
