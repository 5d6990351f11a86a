"""The model card of a log package that was fine-tuned on a plant's own lines."""

from collections import Counter
from collections.abc import Mapping, Sequence

from quantize.evaluate import Gate
from quantize.log_data import Message


def card(
    base: Mapping[str, str],
    plant: Mapping[str, Sequence[Message]],
    table: str,
    gates: Sequence[Gate],
) -> str:
    """Return the model card in Markdown.

    Args:
        base: ``name``, ``version``, ``sha256`` and ``card`` of the package that it started from.
        plant: Messages ``learnt`` and ``held``.
        table: Figures before and after, in Markdown.
        gates: What it had to pass.
    """
    rows = [
        f"| {head} | {label} | {count} |"
        for head in ("category", "severity")
        for label, count in Counter(
            getattr(message, head) for part in plant.values() for message in part
        ).most_common()
    ]
    return _CARD.format(
        **base,
        learnt=len(plant["learnt"]),
        held=len(plant["held"]),
        labels="\n".join(rows),
        table=table,
        gates="\n".join(f"- {gate.sentence}" for gate in gates),
    )


_CARD = """# {name} {version}, fine-tuned

Made by `quantize finetune-log` from the package {name} {version} with the `model.onnx` of SHA-256
`{sha256}`, whose own card stands below.

It learnt {learnt} lines that a plant labelled; {held} more, a fifth that reads unlike the rest, set
its temperatures and judged it.  Both together:

| head | label | lines |
|---|---|---:|
{labels}

It is meant for this plant.  The figures, of the int8 packages as the device runs them, text alone:
on the plant's held-out lines, and on lines that the base package knew before.

{table}

Gates that it passed:

{gates}

The held-out lines are few and of the same plant; they say nothing about another one, and nothing
about categories that are missing above.

---

{card}"""
