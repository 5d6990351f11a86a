"""What examples have taught the diagnosis; written by ``quantize train-diagnosis``."""

from edge_agent.core.diagnosis import Verdict
from edge_agent.core.likeness import Example

WEIGHTS: tuple[float, ...] = (
    0.081,  # family below chance
    0.977,  # family just above
    0.959,  # family well above
    -0.523,  # inner race
    0.463,  # outer race
    -0.142,  # ball
    0.718,  # ball: ringing
    -0.205,  # ball: impulsive
    0.128,  # ball: cage carries
    0.113,  # cage
    0.546,  # healthy
    -0.500,  # healthy: impulsive
    -0.716,  # healthy: tall peaks
    -0.468,  # healthy: ringing
    -0.642,  # healthy: stray line
    0.053,  # unknown: impulsive
    0.157,  # unknown: stray line
    0.478,  # unknown: shaft
    2.955,  # likeness
)
EXAMPLES: tuple[Example, ...] = (
    Example(
        Verdict.BALL,
        (-4.0, -3.71, -4.79, -5.79, -4.01, -1.58, -0.38, -4.08, -5.82, -6.58),
    ),
    Example(
        Verdict.BALL,
        (-4.58, -3.56, -4.69, -5.08, -3.9, -1.92, -0.33, -3.53, -4.72, -4.55),
    ),
    Example(
        Verdict.BALL,
        (-5.29, -4.14, -4.97, -5.48, -4.7, -1.74, -0.29, -3.52, -5.88, -6.65),
    ),
    Example(
        Verdict.HEALTHY,
        (-2.23, -1.59, -3.41, -3.6, -3.28, -1.82, -1.93, -2.5, -1.84, -3.32),
    ),
    Example(
        Verdict.OUTER_RACE,
        (-4.1, -3.19, -4.18, -5.14, -4.42, -2.25, -0.87, -1.04, -3.95, -5.48),
    ),
)
