"""What examples have taught the diagnosis; written by ``quantize train-diagnosis``."""

from edge_agent.core.diagnosis import Verdict
from edge_agent.core.judgement import Knowledge
from edge_agent.core.likeness import Example

SHIPPED = Knowledge(
    weights=(
        0.185,  # family below chance
        0.869,  # family just above
        0.954,  # family well above
        -0.705,  # inner race
        0.202,  # outer race
        0.250,  # ball
        0.047,  # ball: cage carries
        -0.042,  # cage
        2.165,  # healthy
        -0.613,  # healthy: impulsive
        -1.002,  # healthy: tall peaks
        -0.645,  # healthy: stray line
        -0.002,  # unknown: impulsive
        0.137,  # unknown: stray line
        0.343,  # unknown: shaft
        3.490,  # likeness
    ),
    examples=(
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
            Verdict.OUTER_RACE,
            (-4.1, -3.19, -4.18, -5.14, -4.42, -2.25, -0.87, -1.04, -3.95, -5.48),
        ),
    ),
)
