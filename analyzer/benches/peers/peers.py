"""Times what people use today on the same traces as `analyzer summary`, and prints a Markdown table.

    python3 peers.py --analyzer target/release/analyzer TRACE.json.gz...

Every tool runs in a process of its own, with this interpreter's packages (requirements.txt): the analyzer five times (the
median counts), the others once. Seconds are wall time; memory is the peak of the largest process. Each does what is nearest to
a summary in it: read the trace, then the share of time by operator or by kind.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time

PANDAS = """
import gzip, json, sys
import pandas
with gzip.open(sys.argv[1]) as file:
    events = pandas.DataFrame(json.load(file)["traceEvents"])
print(events.groupby("name")["dur"].sum().nlargest(10))
"""

TENSORBOARD = """
import sys
from torch_tb_profiler.io.cache import Cache
from torch_tb_profiler.profiler.loader import RunLoader
(profile,) = RunLoader("run", sys.argv[2], Cache()).load().profiles.values()
print(profile.overview["performance"])
"""

HTA = """
import sys
from hta.trace_analysis import TraceAnalysis
analysis = TraceAnalysis(trace_files={0: sys.argv[1]}, trace_dir=sys.argv[2])
print(analysis.get_temporal_breakdown(visualize=False))
"""

TOOLS = {"pandas": PANDAS, "torch-tb-profiler": TENSORBOARD, "HolisticTraceAnalysis": HTA}


def run(line, log):
    """Wall seconds, peak memory in bytes, and exit code of one process."""
    started = time.monotonic()
    process = os.posix_spawn(
        line[0],
        line,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )
    _, status, usage = os.wait4(process, 0)
    return time.monotonic() - started, usage.ru_maxrss * 1024, os.waitstatus_to_exitcode(status)


def last_line(log):
    with open(log, errors="replace") as file:
        lines = [line.strip() for line in file if line.strip()]
    return lines[-1][:120] if lines else ""


def measure(trace, analyzer, folder):
    # The profiler plugin and HTA want the trace in a folder under a name of theirs.
    named = os.path.join(folder, "worker.1.pt.trace.json.gz")
    os.symlink(os.path.realpath(trace), named)
    log = os.path.join(folder, "log")
    ours = [run([analyzer, "summary", trace], log) for _ in range(5)]
    rows = [("analyzer summary", statistics.median(row[0] for row in ours), max(row[1] for row in ours), "")]
    for tool, script in TOOLS.items():
        seconds, peak, code = run([sys.executable, "-c", script, named, folder], log)
        rows.append((tool, seconds, peak, "" if code == 0 else f"failed: {last_line(log)}"))
        print(f"{tool}: {seconds:.1f} s, exit {code}", file=sys.stderr)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--analyzer", required=True)
    parser.add_argument("traces", nargs="+", metavar="TRACE")
    arguments = parser.parse_args()
    for trace in arguments.traces:
        with tempfile.TemporaryDirectory() as folder:
            rows = measure(trace, os.path.abspath(arguments.analyzer), folder)
        base = rows[0]
        print(f"\n`{os.path.basename(trace)}`, {os.path.getsize(trace) / 1e6:.1f} MB:\n")
        print("| tool | seconds | peak memory, MB | times as long | times the memory | |")
        print("|---|---:|---:|---:|---:|---|")
        for tool, seconds, peak, note in rows:
            times, memory = seconds / base[1], peak / base[2]
            print(f"| {tool} | {seconds:.2f} | {peak / 1e6:.0f} | {times:.0f} | {memory:.1f} | {note} |")


if __name__ == "__main__":
    main()
