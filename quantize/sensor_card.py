"""The text of the default sensor package's MODEL_CARD.md."""

from collections.abc import Iterable

_BEFORE = """\
# sensor-lstm: where the next window of a process value will be if the machine is healthy

One small int8 LSTM for every channel of every asset. It reads the latest windows of one signal,
standardized by what the asset showed during commissioning, and says where the next one will lie if
nothing is wrong, and how sure that is. The agent measures how far a window lies from that forecast
(*surprise*) and from the commissioned centre (*level*), and joins both over all signals of the
asset into one score.

Neither counts for more than commissioning can vouch for. Every normal has its degrees of freedom:
how many independent values it was learned from, few where a signal wandered only once. A deviation
becomes evidence by Student's t-distribution, on the scale of Gaussian standard deviations, and the
evidence of all signals is whitened by the correlation that commissioning saw (Hotelling's T² and
the squared prediction error of a principal component analysis in one).

Input `sequence` float32 `[batch, steps, 2]`: z within ±clip, and 1 where it was observed (else
both are 0). Output `mean` and `log_sigma`, `[batch]`. Every row is computed by itself.

## Trained on

{recipe}

Simulated series come from `quantize/simulate_series.py`: lags, load steps, thermostats, cycles,
drifts, coarse sensors and lost samples, one signal at a time; faults from
`quantize/machine_faults.py`. What the network reads may be a fault in progress, what it is asked
for is the healthy continuation: a plain forecaster soon takes a fault for the new normal. Real
recordings, both MIT:

- NAB machine temperature (numenta/NAB), the part before 2014-01-20 without its labelled windows,
  of which it holds the first two of four;
- ITSC motor currents (ibarram/ITSC), RMS of 50 ms, repetitions 1 and 2, with their winding faults.

Nothing else. SKAB (GPL-3.0), FEMTO, IMS and hydraulic (no licence stated) have only measured it;
MFPT (non-commercial), CWRU and C-MAPSS were not used at all.

## Figures

All by `quantize evaluate-sensor --data DIR`, on recordings that no weight was fitted to (but for
the rows that the notes below name), through the device's windows, signals and scorer with default
constants.

**SKAB and NAB are development sets here.** Nearly every constant of the scorer was chosen while
looking at them, after about 150 configurations, one setting for all files and windows: the power
of the mean over signals, the weights of spreads and surprises, the efficiency of the robust
spread, the shrinkage of correlations, the tail and the say of the rehearsed scores in the
threshold, the smoothing, the way back from a fault, and how a centre may follow. Their figures say
what was fitted, not what a new plant will see.

"""

_AFTER = """\
What to know to read them:

- *Forecasts*: "constant" forecasts the commissioned mean with the commissioned spread, "last" the
  latest value; NLL is the Gaussian negative log-likelihood without its constant, MAE is in
  commissioned standard deviations, values are clipped to ±clip. A file counts as better when its
  mean NLL is below that of the constant forecast. The network is asked where a healthy machine
  would be, so where a machine drifts or fails (NAB, FEMTO) "last" is the nearer, by design; the
  network of 0.1.0, asked for what comes, has an MAE of 0.11 on NAB and 0.48 on FEMTO.
- *SKAB*: a row has the verdict of the latest window that has ended. The last column moves all
  thresholds by one factor, chosen with hindsight, to where false alarms cost the same, since only
  there do the parts of the score compare fairly.
- *NAB*: anomalous windows less than 12 hours apart are one alarm; the model was trained on the
  part before 2014-01-20, so only the last two labelled windows are new to it.
- *Runs to failure* and *healthy stretches*: windows are as long as snapshots are apart (FEMTO 10
  s, IMS 600 s, NAB 300 s), else the default 10 s every 5 s. An alarm needs two anomalous windows
  in a row and an anomaly that insists (`edge_agent/core/insistence.py`); four windows in which it
  is over clear it. Nobody knows when a bearing of FEMTO or IMS began to fail; its first quarter is
  taken for healthy. The stretch of the hydraulic rig is ten cycles of a minute, half of which
  commission, and those of SKAB before a fault are a few minutes each: a rate by the day of so
  short a time is coarse.
- *All these recordings are development sets for alarms*, FEMTO, IMS and NAB included: what makes
  an alarm was chosen while looking at them. Its two constants were not fitted finely. A limit that
  is exceeded once in 12 or 48 hours instead of once a day leaves the runs in time at 6 and 8 of 10
  and the alarms on healthy stretches as they are. Half as many windows of insistence give 6 and 8,
  with one more alarm on each of SKAB and FEMTO, and one that clears in the first quarter; twice as
  many give 6 and 6 and lose a failure of NAB. That an alarm ends below its own limit and not below
  the window's decides one run (Bearing2_4). With the default hour of commissioning there is one
  alarm on each of SKAB's anomaly-free recording and IMS test1, and none on FEMTO and NAB.
- *Faults that raise an alarm*: those of SKAB last four to five minutes. With two anomalous windows
  for an alarm, as it was before, 22 were found after 15 s in the median, at the price of the
  alarms on healthy stretches: 17 on FEMTO, 6 on SKAB, 11 on IMS.
- *Rigs*: the motor's healthy recordings are told three times over, so its healthy windows had been
  commissioned in the same or an earlier telling, and two of three repetitions were trained on. The
  hydraulic rig's faulty cycles include those in which only its cooler, or the stability of the
  cycle, was worse.

## What is missed

- Runs to failure: an alarm should stand from between 50 and 98 % of the life in 80 % of the runs.
  That is reached with a fifth of the life commissioned and not with a tenth, which is 5 to 47
  minutes of FEMTO. Bearing2_1 and Bearing2_2 move to another level early on, by 12 and 20 reaches,
  and stay there; what Bearing3_2 shows before 98 % does not insist.
- Alarms on healthy stretches: the two of FEMTO are those two bearings; the one of SKAB's
  anomaly-free recording begins with a step four minutes after commissioning that stays to the end.
  A short commissioning cannot know them.
- What was tried against both and is not in the agent, measured while it was made: an on-delay of 5
  to 20 % of commissioning (runs in time 3 to 4 and 4 to 6 of 10, one or both of NAB's failures
  lost); limits for a week or a month (7 and 8 of 10, but an alarm of Bearing2_1 that comes and
  goes, or NAB's failures lost); learning again at twice and four times the commissioning from what
  no alarm speaks against, above the limit of windows (6 and 7 of 10, one alarm less on FEMTO, F1
  on SKAB 0.843 instead of 0.846, and a fault that creeps is learned).
- The LSTM alone finds little on SKAB, and three attempts have not changed that. At 10 / 5,
  measured while they were made, with the scorer of then, which let go of anomalies sooner than
  that of the tables above (the first with the weights of 0.1.0, the last with code and weights
  that are not in this project any more):

  | network | LSTM alone, F1 at 16% false alarms, by hindsight | levels and LSTM, F1 |
  | --- | --- | --- |
  | forecaster of the value that was observed next (0.1.0) | 0.28 | 0.849 |
  | forecaster of the healthy continuation (0.2.0, this one) | 0.30 | 0.846 |
  | amortized detector: a head that tells faults from what is healthy | 0.574 | 0.829 |

  So the network that ships does not raise F1 on SKAB over its predecessor. On NAB at 300 s it has
  no false alarm where that had one; both find two of the four windows.

## Not good for

- By itself, for faults that stay: "LSTM alone" shows it. Levels find those. What its surprise is
  for are jumps in signals whose level swings with the load.
- Machines whose normal is not in the commissioning: other products, loads or seasons look like
  faults, and a fault that is there during commissioning looks normal. Use `recommission`. A short
  commissioning makes early alarms, as the runs to failure show.
- Lost correlation between channels: the network forecasts each signal alone. The whitened levels
  see it where commissioning saw the correlation.
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
