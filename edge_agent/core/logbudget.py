"""How often the log model may be asked: a storm of new lines costs a bounded share of a core.

An answer from the cache is free, one from the model costs milliseconds.  Runs are paid for in time
of receipt: a replay, which has the times of receipt of the live run, sheds the lines that were shed
live.  No asset may use more than half of what the node can spend, so one machine that babbles
takes nothing from another; and of its half the last quarter is kept for lines that matter more.
"""

from collections import OrderedDict

from edge_agent.core.records import NS_PER_S, Severity
from edge_agent.core.site import Caps

_GRAVE = (Severity.ERROR, Severity.CRITICAL)
_OPENINGS = 256  # remembered of one asset
_FRESH_NS = 10 * NS_PER_S

# Sixteenths of its asset's purse that a line has to leave: by whether its own level field calls it
# grave and whether it begins with a word not read of late.  A storm repeats its first word, so one
# at any level leaves room for what begins otherwise; only grave lines that all begin anew take all.
_KEPT = {(True, True): 0, (False, True): 1, (True, False): 2, (False, False): 4}

_Opening = tuple[bool, str]  # grave, first word


class _Purse:
    """A token bucket: a run costs ``cost_ns`` of the time of receipt that has been saved up."""

    def __init__(self, runs: int, cost_ns: int) -> None:
        self.runs = runs
        self._cost_ns = cost_ns
        self._saved_ns = runs * cost_ns
        self._at_ns = 0

    def affords(self, now_ns: int, kept: int) -> bool:
        """Return whether a run at ``now_ns`` leaves ``kept`` runs for others."""
        passed_ns = max(0, now_ns - self._at_ns)
        self._saved_ns = min(self.runs * self._cost_ns, self._saved_ns + passed_ns)
        self._at_ns += passed_ns
        return self._saved_ns >= (1 + kept) * self._cost_ns

    def pay(self) -> None:
        """Take out the price of one run."""
        self._saved_ns -= self._cost_ns


class _Account:
    """What one asset may spend, and the words with which its lines have begun of late."""

    def __init__(self, purse: _Purse) -> None:
        self.purse = purse
        self._read_ns: OrderedDict[_Opening, int] = OrderedDict()

    def fresh(self, opening: _Opening, now_ns: int) -> bool:
        """Return whether no line that begins like this was read in the last seconds."""
        read_ns = self._read_ns.get(opening)
        return read_ns is None or now_ns - read_ns >= _FRESH_NS

    def note(self, opening: _Opening, now_ns: int) -> None:
        """Remember that a line that begins like this is read now."""
        self._read_ns[opening] = now_ns
        self._read_ns.move_to_end(opening)
        if len(self._read_ns) > _OPENINGS:
            self._read_ns.popitem(last=False)


class LogBudget:
    """Decides which lines the model reads when it cannot read all.

    It holds one account for every asset named to it; the caller bounds their number.
    """

    def __init__(self, caps: Caps) -> None:
        self._runs, self._cost_ns = caps.model_runs, NS_PER_S // caps.model_runs_per_s
        self._node = _Purse(self._runs, self._cost_ns)
        self._accounts: dict[str, _Account] = {}

    def grants(self, asset: str, now_ns: int, template: str, level: Severity | None) -> bool:
        """Return whether the model may be run now for this line, and take the price if so.

        Args:
            asset: Whose line it is.
            now_ns: When it was received.
            template: Its masked message.
            level: What the line says of itself.
        """
        if asset not in self._accounts:
            self._accounts[asset] = _Account(_Purse(self._runs // 2, self._cost_ns * 2))
        account = self._accounts[asset]
        opening = (level in _GRAVE, template.partition(" ")[0].lower())
        kept = account.purse.runs * _KEPT[opening[0], account.fresh(opening, now_ns)] // 16
        purses = (self._node, account.purse)
        if not all(purse.affords(now_ns, kept) for purse in purses):
            return False
        for purse in purses:
            purse.pay()
        account.note(opening, now_ns)
        return True
