"""The ``quantize`` command: from a trained checkpoint to a model package, and back to its figures.

Exit codes: 0 done, 1 the model or a file is unfit, 2 wrong usage.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from edge_agent.io.runtime import verify_in_subprocess
from quantize.errors import PackageError, QuantizeError

_EVALUATIONS = {
    "log": "train_log",
    "sensor": "train_sensor",
    "sensor-faults": "evaluate_sensor_faults",
    "diagnosis": "evaluate_diagnosis",
    "prognosis": "evaluate_prognosis",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = _parser().parse_args(arguments)
    try:
        _run(given)
    except QuantizeError as error:
        print(f"quantize: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        extra = "sign" if str(error.name).startswith("cryptography") else "quantize"
        print(
            f"quantize: no module {error.name}; run: pip install edge-agent[{extra}]",
            file=sys.stderr,
        )
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="quantize", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    albert = commands.add_parser("albert", help="ALBERT classifier → int8 model package")
    lstm = commands.add_parser("lstm", help="forecasting LSTM → int8 model package")
    for command in (albert, lstm):
        command.add_argument("checkpoint", type=Path)
        command.add_argument("out", type=Path)
        command.add_argument("--evaluate", type=Path, help="labelled, held-back data")
        command.add_argument("--seed", type=int, default=0)
    albert.add_argument("--calibration", type=Path, help="unlabelled lines")
    albert.add_argument(
        "--fixed-scales", action="store_true", help="faster without VNNI, and less exact"
    )
    verify = commands.add_parser("verify", help="sums and stored sample")
    verify.add_argument("--key", type=Path, help="public key that must have signed it (PEM)")
    sign = commands.add_parser("sign", help="vouch for a package: SHA256SUMS.sig")
    sign.add_argument("--key", type=Path, required=True, help="private Ed25519 key (PEM)")
    for command in (commands.add_parser("report", help="print the figures"), verify, sign):
        command.add_argument("package", type=Path)
    for kind in ("log", "sensor", "diagnosis"):
        train = commands.add_parser(f"train-{kind}", help=f"the recipe of the {kind} model")
        train.add_argument("out", type=Path)
        train.add_argument("--data", type=Path, required=True)
        train.add_argument("--seed", type=int, default=0)
    finetune = commands.add_parser("finetune-log", help="a log package learns a plant's own lines")
    finetune.add_argument("package", type=Path)
    finetune.add_argument("labelled", type=Path, help="JSON Lines: text, category, severity")
    finetune.add_argument("out", type=Path)
    finetune.add_argument("--data", type=Path, help="shared messages, against forgetting")
    finetune.add_argument("--seed", type=int, default=0)
    for subject in _EVALUATIONS:
        evaluate = commands.add_parser(
            f"evaluate-{subject}", help="figures on held-back recordings"
        )
        evaluate.add_argument("--data", type=Path, required=True)
        if subject in {"log", "sensor"}:
            evaluate.add_argument("package", type=Path, nargs="?")
        if subject == "log":
            evaluate.add_argument(
                "--folds", dest="k", type=int, default=4, help="0: the package alone"
            )
    return parser


def _run(given: argparse.Namespace) -> None:
    """Dispatch; torch and transformers are only imported by the commands that need them."""
    match given.command:
        case "albert":
            from quantize.albert import quantize_albert  # noqa: PLC0415

            quantize_albert(
                given.checkpoint,
                given.out,
                given.calibration,
                given.evaluate,
                seed=given.seed,
                fixed_scales=given.fixed_scales,
            )
            _print_report(given.out)
        case "lstm":
            from quantize.lstm import quantize_lstm  # noqa: PLC0415

            quantize_lstm(given.checkpoint, given.out, given.evaluate, seed=given.seed)
            _print_report(given.out)
        case "report":
            _print_report(given.package)
        case "verify":
            _verify(given.package, given.key)
        case "sign":
            from quantize.signature import sign  # noqa: PLC0415

            sign(given.package, given.key)
        case "train-log" | "train-sensor" | "train-diagnosis":
            _recipe(given.command).train(given.data, given.out, seed=given.seed)
        case "finetune-log":
            from quantize.finetune_log import finetune  # noqa: PLC0415

            finetune(given.package, given.labelled, given.out, given.data, seed=given.seed)
        case _:
            _evaluate(given)


def _recipe(command: str) -> ModuleType:
    """Return the module that makes and scores one of the default packages."""
    return import_module(f"quantize.train_{command.partition('-')[2]}")


def _evaluate(given: argparse.Namespace) -> None:
    subject = given.command.removeprefix("evaluate-")
    options = {name: value for name, value in vars(given).items() if name in {"package", "k"}}
    import_module(f"quantize.{_EVALUATIONS[subject]}").evaluate(given.data, **options)


def _print_report(package: Path) -> None:
    from quantize.report import table  # noqa: PLC0415 - needs onnx

    print(table(package))


def _verify(package: Path, public_key: Path | None) -> None:
    flaw = verify_in_subprocess(package, public_key)
    if flaw is not None:
        raise PackageError(flaw)
    signed = "" if public_key is None else ", and so does the signature"
    print(f"{package}: sums match{signed}; the model repeats its stored outputs")


if __name__ == "__main__":
    sys.exit(main())
