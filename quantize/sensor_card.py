"""The text of the default sensor package's MODEL_CARD.md."""

from collections.abc import Iterable

_BEFORE = """\
# sensor-lstm: what the next window of a process value will be

One small int8 LSTM for every channel of every asset. It reads the latest windows of one signal,
standardized by what the asset showed during commissioning, and says where the next one will lie and
how sure that is. The agent measures how far a window lies from that forecast (*surprise*) and from
the commissioned centre (*level*), and joins both over all signals of the asset into one score.

Input `sequence` float32 `[batch, steps, 2]`: z within ±clip, and 1 where it was observed (else both
are 0). Output `mean` and `log_sigma`, `[batch]`. Every row is computed by itself.

## Trained on

{recipe}

Simulated series come from `quantize/simulate_series.py`: lags, load steps, thermostats, cycles,
drifts, coarse sensors and lost samples, one signal at a time. Real recordings, both MIT:

- NAB machine temperature (numenta/NAB), the part before 2014-01-20, which holds the first two of
  its four labelled windows;
- ITSC motor currents (ibarram/ITSC), RMS of 50 ms, repetitions 1 and 2.

Nothing else. SKAB (GPL-3.0), FEMTO, IMS and hydraulic (no licence stated) have only measured it;
MFPT (non-commercial), CWRU and C-MAPSS were not used at all.

## Figures

All by `quantize evaluate-sensor --data DIR`, on recordings that no weight was fitted to, through
the device's windows, signals and scorer with default constants. Four of those (power of the mean
over signals, clip and memory of deviations, the limit that thresholds are drawn to) were chosen
while looking at SKAB, one setting for all files and windows: SKAB is a development set here.

"constant" forecasts the commissioned mean with the commissioned spread, "last" the latest value;
NLL is the Gaussian negative log-likelihood without its constant, MAE is in commissioned standard
deviations, values are clipped to ±clip. A file counts as better when its mean NLL is below that of
the constant forecast. In SKAB a row has the verdict of the latest window that has ended; settings
are the same for all files. The last column moves all thresholds by one factor, chosen with
hindsight, to where false alarms cost the same, since only there do the parts of the score compare
fairly. What the LSTM brings on SKAB is small there, and not always for the better: most of the gap
in false alarms between "levels alone" and both is that of a stricter threshold.

In NAB, anomalous windows less than 12 hours apart are one alarm; the model was trained on the part
before 2014-01-20, so only the last two labelled windows are new to it.

"""

_AFTER = """\
## Not good for

- By itself, for faults that stay: an LSTM soon takes a new level for normal, as "LSTM alone" shows.
  Levels find those. What its surprise is for are jumps in signals whose level swings with the load.
- Machines whose normal is not in the commissioning: other products, loads or seasons look like
  faults, and a fault that is there during commissioning looks normal. Use `recommission`.
- Lost correlation between channels: each signal is forecast alone.
- Naming a fault. The score says that a window is unusual and which channels made it so.

## Made by

`quantize train-sensor --data DIR OUT`, seeded, some minutes on one core.
"""


def card(tables: Iterable[str], recipe: str) -> str:
    """Return the card.

    Args:
        tables: In Markdown, each with its title.
        recipe: What was simulated and how long it was trained, in a sentence or two.
    """
    return _BEFORE.format(recipe=recipe) + "\n".join(tables) + "\n" + _AFTER
