"""The wall clock jumps; the agent's does not."""

from dataclasses import dataclass

from edge_agent.core.records import NS_PER_S
from edge_agent.io.clock import Clock


@dataclass
class Machine:
    """A computer whose two clocks the test turns."""

    wall: int = 1_700_000_000 * NS_PER_S
    uptime: int = 42

    def pass_time(self, duration_ns: int) -> None:
        self.wall += duration_ns
        self.uptime += duration_ns

    def clock(self) -> Clock:
        return Clock(lambda: self.wall, lambda: self.uptime)


def test_time_starts_at_the_wall_clock_and_passes():
    machine = Machine()
    clock = machine.clock()
    start = machine.wall
    assert clock.now_ns() == start
    machine.pass_time(5 * NS_PER_S)
    assert clock.now_ns() == start + 5 * NS_PER_S
    assert clock.monotonic_ns() == machine.uptime
    assert clock.offset_ns() == 0


def test_a_step_of_the_wall_clock_is_reported_and_not_followed():
    machine = Machine()
    clock = machine.clock()
    before = clock.now_ns()
    machine.wall -= 3600 * NS_PER_S
    assert clock.now_ns() == before
    assert clock.offset_ns() == -3600 * NS_PER_S
    machine.wall += 7200 * NS_PER_S
    machine.pass_time(1)
    assert clock.now_ns() == before + 1
    assert clock.offset_ns() == 3600 * NS_PER_S
