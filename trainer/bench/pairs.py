"""Times the trainer against reference.py in interleaved pairs of processes and prints a Markdown table.

    python3 pairs.py --trainer target/release/trainer [--pairs 8] [--seconds 500] CASE...

A case is one of CASES below. Pairs go round the cases (case 1, case 2, ..., case 1, ...), and who goes first changes from pair
to pair, so that a machine that drifts drifts for both. A process counts with the median of its steps, without the first
five. The ratio of a case is the geometric mean over its pairs, with Student's 95 % interval of the mean log-ratio.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WARM_UP = 5
# name: model, options of both, batch size, steps of a process
CASES = {
    "unet-cuda": ("unet", ["--device", "cuda"], 16, 40),
    "unet-cuda-tf32": ("unet", ["--device", "cuda", "--precision", "tf32"], 16, 60),
    "unet-cuda-small-steps": ("unet", ["--device", "cuda", "--precision", "bf16"], 1, 80),
    "lstm-cuda": ("lstm", ["--device", "cuda"], 64, 80),
    "lstm-cuda-small-steps": ("lstm", ["--device", "cuda"], 2, 80),
    "unet-cpu": ("unet", ["--device", "cpu"], 4, 13),
    "lstm-cpu": ("lstm", ["--device", "cpu"], 64, 17),
}
# Student's t, two-sided 95 %, by degrees of freedom: as many pairs as may be asked for.
T95 = [math.nan, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
       2.120, 2.110, 2.101, 2.093, 2.086]


def trainer_median(program, case):
    model, options, batch_size, steps = CASES[case]
    with tempfile.TemporaryDirectory() as out:
        sizes = ["--batch-size", str(batch_size), "--train-samples", str(batch_size * steps), "--test-samples", "1"]
        command = [program, model, *options, *sizes, "--epochs", "1", "--profile-steps", "0", "--quiet", "--out", out]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        results = json.loads(next(Path(out).glob("*/results.json")).read_text())
        assert len(results["step_seconds"]) == steps
        return statistics.median(results["step_seconds"][WARM_UP:])


def python_median(_, case):
    model, options, batch_size, steps = CASES[case]
    script = Path(__file__).with_name("reference.py")
    command = [sys.executable, str(script), model, *options, "--batch-size", str(batch_size), "--steps", str(steps)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return statistics.median(json.loads(printed)["step_seconds"][WARM_UP:])


def row(case, pairs):
    logs = [math.log(trainer / python) for trainer, python in pairs]
    mean = statistics.mean(logs)
    half = T95[len(logs) - 1] * statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else math.nan
    low, high = math.exp(mean - half), math.exp(mean + half)
    ours, theirs = (statistics.median(side) * 1e3 for side in zip(*pairs))
    return (f"| {case} | {CASES[case][2]} | {ours:.2f} ms | {theirs:.2f} ms | {math.exp(mean):.3f} "
            f"| {low:.3f} to {high:.3f} | {len(pairs)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="+", choices=CASES)
    parser.add_argument("--trainer", required=True)
    parser.add_argument("--pairs", type=int, default=8, choices=range(2, len(T95) + 1), metavar="2..21")
    parser.add_argument("--seconds", type=float, default=math.inf, help="start no pair after this long")
    given = parser.parse_args()
    started = time.monotonic()
    measured = {case: [] for case in given.cases}
    for number in range(given.pairs):
        for case in given.cases:
            if time.monotonic() - started > given.seconds:
                continue
            sides = [trainer_median, python_median] if number % 2 == 0 else [python_median, trainer_median]
            pair = {side: side(given.trainer, case) for side in sides}
            measured[case].append((pair[trainer_median], pair[python_median]))
            print(f"{case} {number + 1}/{given.pairs}: {measured[case][-1]}", file=sys.stderr)
    print("| case | batch | trainer, median step | PyTorch eager, median step | ratio | 95 % interval | pairs |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for case, pairs in measured.items():
        if pairs:
            print(row(case, pairs))


main()
