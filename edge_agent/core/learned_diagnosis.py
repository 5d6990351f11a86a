"""What examples have taught the diagnosis; written by ``quantize train-diagnosis``."""

from edge_agent.core.diagnosis import Verdict
from edge_agent.core.health_reference import HealthReference
from edge_agent.core.judgement import Knowledge
from edge_agent.core.likeness import Example

SHIPPED = Knowledge(
    weights=(
        0.142,  # family below chance
        0.745,  # family just above
        0.918,  # family well above
        0.105,  # ball: cage carries
        2.152,  # healthy
        -0.608,  # healthy: impulsive
        -0.979,  # healthy: tall peaks
        -0.631,  # healthy: stray line
        -0.002,  # unknown: impulsive
        0.136,  # unknown: stray line
        0.352,  # unknown: shaft
        3.908,  # likeness
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
    healths=(
        HealthReference(
            500.0,
            (-43.1, -40.1, -47.8, -48.3, -46.5, -39.9, -40.3, -42.7, -39.9),
            (-39.3, -36.7, -44.8, -45.4, -44.6, -38.1, -38.8, -41.5, -38.0),
        ),
        HealthReference(
            500.0,
            (
                -43.1,
                -40.1,
                -47.8,
                -48.3,
                -46.5,
                -39.9,
                -40.3,
                -42.7,
                -39.9,
                -46.6,
                -46.9,
                -50.2,
                -52.8,
                -56.5,
                -55.9,
                -55.4,
                -52.0,
                -61.2,
                -60.3,
                -60.9,
            ),
            (
                -39.3,
                -36.7,
                -44.8,
                -45.4,
                -44.6,
                -38.1,
                -38.8,
                -41.5,
                -38.0,
                -44.6,
                -45.4,
                -48.6,
                -51.0,
                -54.7,
                -54.1,
                -53.9,
                -51.1,
                -59.5,
                -58.7,
                -59.3,
            ),
        ),
        HealthReference(
            500.0,
            (-45.6, -37.6, -47.2, -48.9, -45.8, -45.4, -42.9, -41.1, -37.6),
            (-41.8, -34.5, -43.5, -46.5, -43.7, -43.8, -41.1, -38.5, -35.5),
        ),
        HealthReference(
            500.0,
            (
                -45.6,
                -37.6,
                -47.2,
                -48.9,
                -45.8,
                -45.4,
                -42.9,
                -41.1,
                -37.6,
                -43.0,
                -45.8,
                -52.8,
                -50.5,
                -54.5,
                -58.8,
                -60.8,
                -55.0,
                -58.9,
                -62.9,
                -64.1,
            ),
            (
                -41.8,
                -34.5,
                -43.5,
                -46.5,
                -43.7,
                -43.8,
                -41.1,
                -38.5,
                -35.5,
                -40.9,
                -43.8,
                -51.3,
                -48.8,
                -52.7,
                -55.7,
                -59.4,
                -53.4,
                -57.0,
                -60.9,
                -62.9,
            ),
        ),
    ),
)
