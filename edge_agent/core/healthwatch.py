"""How the machine at each waveform channel sounds in health, learned while it is commissioned.

Every window in which nothing is wrong adds the levels of its noise.  Their medians are what health
sounds like: a few windows that passed for sound and were not hardly move them, as they would the
extremes.  Where most windows are wrong, the others may have passed by chance: they teach nothing.
Levels are rounded when they come, so that a restart in between changes no digit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from edge_agent.core.diagnosis import Verdict
from edge_agent.core.features import SignalKind
from edge_agent.core.health_reference import HealthReference, NoiseLevels
from edge_agent.core.records import Frame
from edge_agent.core.site import WaveformSite
from edge_agent.core.snapshot import freeze, thaw
from edge_agent.core.spectra import noise_of_sound
from edge_agent.core.vibrationwatch import LEAST_PAUSE_NS, latest_block, machine_at

LEAST_WINDOWS = 10  # to learn from, however short commissioning is set
MOST_WINDOWS = 64  # that are held; every second one goes when there are more


@dataclass(slots=True)
class Learned:
    """What is remembered of a channel: ``kept`` while it is learned, ``reference`` from then on.

    ``sound`` counts the windows in which nothing was wrong, one in ``thinning`` of which is kept as
    its levels in dB above 1 g², of bands of ``width_hz``; ``wrong`` counts the others.
    """

    began_ns: int
    examined_ns: int = 0
    sound: int = 0
    wrong: int = 0
    thinning: int = 1
    width_hz: float = 0.0
    kept: list[tuple[float, ...]] = field(default_factory=list)
    reference: HealthReference | None = None

    def take(self, levels: NoiseLevels) -> None:
        """Take the noise of one more sound window; other bands than before begin anew."""
        bands_db = tuple(levels.bands_db.round(1).tolist())
        if self.kept and not (
            levels.has_width(self.width_hz) and len(bands_db) == len(self.kept[0])
        ):
            self.kept, self.thinning, self.sound, self.wrong = [], 1, 0, 0
        self.width_hz = levels.width_hz
        if self.sound % self.thinning == 0:
            self.kept.append(bands_db)
        self.sound += 1
        if len(self.kept) > MOST_WINDOWS:
            self.kept = self.kept[::2]
            self.thinning *= 2

    @property
    def enough(self) -> bool:
        """Whether what was heard can be taken for health."""
        return self.sound >= max(LEAST_WINDOWS, self.wrong + 1)

    def settle(self) -> None:
        """Make the medians the reference, from now on and unchanged."""
        usual_db = tuple(np.median(self.kept, axis=0).round(1).tolist())
        self.reference = HealthReference(self.width_hz, usual_db, usual_db)
        self.kept = []


@dataclass(slots=True)
class HealthWatchState:
    """All channels as they are stored."""

    channels: dict[str, Learned] = field(default_factory=dict)


class HealthWatch:
    """Learns the health of the channels of acceleration whose bearing the site file names.

    Without a bearing no block is ever called healthy, so there is nothing to learn for.

    Args:
        sites: What is known of the machine at each channel.
        commissioning_ns: Event time from which a channel is learned.
    """

    def __init__(self, sites: Mapping[str, WaveformSite], commissioning_ns: int) -> None:
        self._sites = {c: site for c, site in sites.items() if site.bearing is not None}
        self._commissioning_ns = commissioning_ns
        self._state = HealthWatchState()

    @property
    def references(self) -> dict[str, HealthReference]:
        """How the machine sounds in health, by channel, as far as that has been learned."""
        return {
            channel: learned.reference
            for channel, learned in self._state.channels.items()
            if learned.reference is not None
        }

    def learn(self, frame: Frame, signals: Mapping[str, float], *, quiet: bool) -> None:
        """Take the next frame.

        Args:
            frame: The windows.
            signals: Of the frame, from ``features.extract``; what is masked is missing.
            quiet: Whether nothing else speaks against the machine.
        """
        for channel, site in self._sites.items():
            velocity = f"{channel}:{SignalKind.VELOCITY_RMS}"
            if velocity not in signals or channel not in frame.windows:
                continue
            learned = self._state.channels.setdefault(channel, Learned(frame.start_ns))
            if learned.reference is not None:
                continue
            over = frame.end_ns > learned.began_ns + self._commissioning_ns
            if over and learned.enough:
                learned.settle()
            elif quiet and abs(frame.end_ns - learned.examined_ns) >= LEAST_PAUSE_NS:
                learned.examined_ns = frame.end_ns
                block, rate_hz = latest_block(frame.windows[channel])
                heard = noise_of_sound(block, rate_hz, machine_at(site, frame))
                if isinstance(heard, NoiseLevels):
                    learned.take(heard)
                elif heard.verdict is not Verdict.NOT_ASSESSABLE:
                    learned.wrong += 1

    def forget(self) -> None:
        """Learn anew."""
        self._state = HealthWatchState()

    def snapshot(self) -> object:
        """Return everything held, fit for ``json.dumps``."""
        return freeze(self._state)

    def restore(self, data: object) -> None:
        """Take up what :meth:`snapshot` returned, as far as the site still describes it.

        Raises:
            ValueError: It is no such snapshot.
        """
        channels = thaw(HealthWatchState, data).channels
        self._state = HealthWatchState({c: h for c, h in channels.items() if c in self._sites})
