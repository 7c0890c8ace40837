"""Inputs that atheris makes, guided by which lines they reach; a process of its own for each topic.

``python -m benchmarks.guided TOPIC SECONDS SEED FOLDER`` ends with 0 if the kit held. An input on
which the kit failed lies in the folder as ``crash-*`` or ``timeout-*``.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["kit"]):
    from tests.fuzzing import TARGETS, bases


def main() -> None:
    """Let libFuzzer call the topic's target until the time is over."""
    topic, seconds, seed, folder = sys.argv[1:]
    begin = Path(folder) / "begin"
    begin.mkdir(parents=True)
    for n, content in enumerate(bases(topic)):
        (begin / f"{n:03d}").write_bytes(content[:20_000])
    options = [f"-max_total_time={seconds}", f"-seed={seed}", "-timeout=30", "-max_len=20000"]
    options += ["-rss_limit_mb=4000", f"-artifact_prefix={folder}/", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, str(begin)], TARGETS[topic])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
