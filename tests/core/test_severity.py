"""The zones of ISO 20816-3."""

import pytest

from edge_agent.core.severity import Group, MachineClass, Support, Zone, zone_of


@pytest.mark.parametrize(
    ("group", "support", "boundaries"),
    [
        (1, "rigid", (2.3, 4.5, 7.1)),
        (1, "flexible", (3.5, 7.1, 11.0)),
        (2, "rigid", (1.4, 2.8, 4.5)),
        (2, "flexible", (2.3, 4.5, 7.1)),
    ],
)
def test_zones_begin_where_the_standard_says(group, support, boundaries):
    machine = MachineClass(Group(group), Support(support))
    for boundary, below, above in zip(boundaries, "ABC", "BCD", strict=True):
        assert zone_of(boundary, machine) is Zone(below)
        assert zone_of(boundary + 0.01, machine) is Zone(above)
    assert zone_of(0.0, machine) is Zone.A
