"""The phases of a run, one after another in this process: ``python -m benchmarks.phases run.yaml``.

With ``collect`` behind the file it ends once the account is collected.

Prints a line of JSON: by phase, seconds of wall time and of CPU (processes that it starts
included), and MB at the peak so far; then requests, findings, and the longest chain of requests.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from kit.calls import CALLS, Call, Scope
from kit.snapshot import Snapshot


class _Phases:
    def __init__(self) -> None:
        self.figures: dict[str, dict[str, float]] = {}
        self._last = (time.monotonic(), 0.0)

    def end(self, name: str) -> None:
        """Note what the phase that ends here took, beside what it took before."""
        own, started = (
            resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        cpu = own.ru_utime + own.ru_stime + started.ru_utime + started.ru_stime
        now = time.monotonic()
        before = self.figures.get(name, {"wall": 0.0, "cpu": 0.0})
        self.figures[name] = {
            "wall": before["wall"] + now - self._last[0],
            "cpu": before["cpu"] + cpu - self._last[1],
            "peak": max(_own_peak(own), _kb(started)) / 1024,
        }
        self._last = (now, cpu)


def _own_peak(used: resource.struct_rusage) -> int:
    """Return the most memory that this process has had, in kB.

    Linux keeps a process's ``ru_maxrss`` when it becomes another program, so that this process would
    begin with the peak of the one that measures it; ``VmHWM`` begins anew.
    https://man7.org/linux/man-pages/man2/getrusage.2.html
    """
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:  # not Linux
        status = ""
    found = re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)  # some sandboxes leave it out
    return int(found[1]) if found else _kb(used)


def _kb(used: resource.struct_rusage) -> int:
    """Return ``ru_maxrss`` in kB, which macOS states in bytes.

    https://github.com/libuv/libuv/pull/3721
    """
    return used.ru_maxrss // 1024 if sys.platform == "darwin" else used.ru_maxrss


def longest_chain(snapshot: Snapshot) -> int:
    """Return how many requests had to wait for each other: pages, and calls for their sources."""
    pages: Counter[str] = Counter()
    jobs = Counter((r.call, r.region, str(r.parameters)) for r in snapshot.requests)
    for (call, _, _), count in jobs.items():
        pages[call] = max(pages[call], count)
    probes = [call for call in CALLS.values() if call.probe]

    @cache
    def chain(call: Call) -> int:
        if not pages[call.name]:
            return 0
        waits = call.scope is Scope.REGION and not call.probe
        first = [*call.sources, *(probes if waits else ())]
        return pages[call.name] + max((chain(source) for source in first), default=0)

    return 2 + max(chain(CALLS[name]) for name in pages)  # who signs in, and the regions


def main() -> None:
    """Collect, tabulate, judge and seal."""
    phases = _Phases()
    from kit.bag import pieces
    from kit.collect.collector import collect
    from kit.judge import evaluate, needed_calls
    from kit.pack import seal
    from kit.pack.document import findings_data
    from kit.pack.execute import KernelForDocuments, execute
    from kit.pack.info import bag_info
    from kit.parameters import parameters
    from kit.progress import Phase
    from kit.snapshot import read
    from kit.tables import tabulate

    run = parameters(sys.argv[1])
    phases.end("imports")
    folder = collect(run, needed_calls([]), progress=False).folder
    phases.end("collect")
    stored = read(folder)
    figures: dict[str, Any] = {
        "phases": phases.figures,
        "requests": len(stored.requests),
        "chain": longest_chain(stored),
    }
    if sys.argv[2:] == ["collect"]:
        print(json.dumps(figures))
        return
    phases.end("read")
    tables = tabulate(stored)
    phases.end("tables")
    findings = evaluate(tables)
    digest, count = findings.digest, len(findings.leaves) + len(findings.roll_ups)
    del tables, findings  # a run has them in the notebook's kernel alone
    phases.end("judge")
    at = {"snapshot": str(folder.resolve())}
    executed = execute(seal.NOTEBOOK, at, kernel=KernelForDocuments)
    phases.end("notebook")
    data, labels = findings_data(executed), seal.labels_of(executed, stored)
    sizes: dict[str, int] = {}
    info = bag_info(stored, digest)
    quiet = Phase("", "files", shown=False)
    for name, content in seal.files(executed, data, stored, labels, info, None, quiet):
        sizes[name] = sum(map(len, pieces(content)))
        forms = {"evidence.html": "html", "evidence.pdf": "pdf"}
        phases.end(forms.get(name, "other files"))
    figures |= {
        "findings": count,
        "html_kB": sizes["evidence.html"] // 1024,
        "pdf_kB": sizes["evidence.pdf"] // 1024,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
