"""The log of one asset as it is weighed: what a line says, and how often it and others come."""

from collections.abc import Mapping

from edge_agent.core.alarms import Alarm
from edge_agent.core.board import Board
from edge_agent.core.lograte import LineRates
from edge_agent.core.logscore import LogScore
from edge_agent.core.records import Category, LogLine, TimeQuality

KEY = "rates"  # in a snapshot


class LineWatch:
    """Weighs judged lines on a board.

    Args:
        board: The asset's.
        room: Templates whose habits are held.
    """

    def __init__(self, board: Board, room: int) -> None:
        self._board = board
        self._rates = LineRates(room)

    def weigh(
        self, line: LogLine, score: LogScore, received_ns: int, listening_since_ns: int
    ) -> list[Alarm]:
        """Let the board weigh a line, the pauses that it ends or shows, and the burst it makes.

        Args:
            line: At its event time.
            score: What the log model reads in it.
            received_ns: Its time of receipt.
            listening_since_ns: Since when messages could arrive.
        """
        rates, board = self._rates, self._board
        unheard = rates.heard_ns < listening_since_ns
        if unheard or line.time_quality is TimeQuality.JUMPED:
            rates.rebase(line.at_ns)
        changed = self.weigh_pauses(line.at_ns, line.time_quality)
        changed += board.hear(score.template, line.at_ns)
        if score.unknown and not rates.knows(score.template):
            changed += board.weigh_unknown(line, score)
        complaint = score.category is not Category.NORMAL
        burst = rates.hear(score.template, line.at_ns, received_ns, complaint=complaint)
        if burst is not None:
            changed += board.weigh_burst(burst, line)
        return changed + board.weigh_line(line, score)

    def weigh_pauses(self, now_ns: int, quality: TimeQuality) -> list[Alarm]:
        """Let the board weigh the heartbeats that are overdue by event time ``now_ns``."""
        overdue = self._rates.overdue(now_ns)
        return [alarm for pause in overdue for alarm in self._board.weigh_pause(pause, quality)]

    def snapshot(self) -> object:
        """Return the habits of the lines, fit for ``json.dumps``."""
        return self._rates.snapshot()

    def restore(self, data: Mapping[str, object]) -> None:
        """Take up the habits in an asset's snapshot; one of the first version has none.

        Raises:
            ValueError: They are not ours.
        """
        if KEY in data:
            self._rates.restore(data[KEY])
