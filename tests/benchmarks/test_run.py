"""Every benchmark, small: it runs as it is called, and prints its ratio and the machine.

Rows are made, models tiny or packaged. Measured is nothing: the numbers of so small a run say nothing.
"""

from __future__ import annotations

import gzip
import importlib
import importlib.util
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selectlang.demo.model import pairs, write_model
from selectlang.demo.pool import make_pool

MACHINE = re.compile(r"\d cores, \d+ GiB, .*products of [\d,]+ GF/s in fp32 and [\d,]+ in bf16, copies of")
Benchmark = Callable[..., str]

PEER = """#!{python}
# In the place of data-juicer: what the recipe asks for, in its plainest form.
import json, sys, yaml
from pathlib import Path
asked = yaml.safe_load(Path(sys.argv[2]).read_text())
length, _, top = (each for step in asked["process"] for each in step.values())
rows = [json.loads(line) for line in Path(asked["dataset_path"]).read_text().splitlines()]
rows = [row for row in rows if len(row[asked["text_keys"]]) >= length["min_len"]]
rows.sort(key=lambda row: -len(row[asked["text_keys"]].split()))
out = Path(asked["export_path"])
out.parent.mkdir(exist_ok=True)
out.write_text("".join(json.dumps(row) + "\\n" for row in rows[: top["topk"]]))
"""


@pytest.fixture
def benchmark(
    bench: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], few_threads: None
) -> Benchmark:
    """`benchmark(name, *options)`: what it prints. The machine is measured by less, in no time."""
    measured = bench("machine")
    monkeypatch.setattr(measured, "SHAPE", (8, 8, 8))
    monkeypatch.setattr(measured, "COPIED", 2**10)
    measured.rates.cache_clear()
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def run(name: str, *options: object) -> str:
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, options)])
        bench(name).main()
        printed = capfd.readouterr().out
        assert MACHINE.search(printed), printed
        return printed

    return run


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as that of Alpaca and the target tasks, with rows that are made."""
    folder = tmp_path_factory.mktemp("data")
    rows = make_pool(700)
    pool = [{name: row[name] for name in ("instruction", "input", "output")} for row in rows]
    asked = [{"question": row["instruction"], "answer": row["output"]} for row in rows[:9]]
    choices = [{"subject": "prime_numbers", "question": "Which?", "choices": list("2469"), "answer": "0"}]
    (folder / "pools").mkdir()
    (folder / "pools" / "alpaca_data.json.gz").write_bytes(gzip.compress(json.dumps(pool).encode()))
    (folder / "targets").mkdir()
    for name, given in {"gsm8k_train": asked, "bbh_few_shot": asked[:3], "mmlu_val": choices}.items():
        text = "".join(json.dumps(row) + "\n" for row in given)
        (folder / "targets" / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model that has learnt nothing."""
    return write_model(tmp_path_factory.mktemp("model"), pairs(make_pool(60)), steps=1)


def test_alpaca(
    benchmark: Benchmark, bench: Any, data: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench("alpaca"), "MODEL", str(tiny))
    printed = benchmark("alpaca", "--specs", "rds-plus", "--data", data, "--rows", 100)
    assert re.search(r"rds-plus: first run [\d.]+ s, second [\d.]+ s \(\d+x\)", printed)
    assert "second run gives the same bytes: True" in printed
    assert "same bytes after the kill: True" in printed
    assert "one run of each" in printed


def test_calls(benchmark: Benchmark) -> None:
    printed = benchmark("calls", "--calls", 20, "--concurrency", 4, "--repeats", 1)
    assert re.search(r"ours against bare litellm: [\d.]+x the rate \(median of 1 pairs\)", printed)
    printed = benchmark("calls", "--flat", "--calls", 20, "--concurrency", 4)
    assert len(re.findall(r'"MiB": \d+', printed)) == 10


def test_choose(
    benchmark: Benchmark, bench: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a stand-in for data-juicer, which is no dependency."""
    monkeypatch.setattr(bench("choose"), "RUNS", {"first time": 20, "same again": 20, "last number": 10})
    (tmp_path / "dj-process").write_text(PEER.format(python=sys.executable), encoding="utf-8")
    (tmp_path / "dj-process").chmod(0o755)
    printed = benchmark("choose", "--data", data, "--data-juicer", tmp_path / "python", "--repeats", 1)
    assert re.search(r"ours is faster +│ +[\d.]+× +│ +[\d.]+× +│ +[\d.]+× ", printed)


def test_embed(
    benchmark: Benchmark, bench: Any, data: Path, minilm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    monkeypatch.setattr(bench("embed"), "SIZES", tiny)
    given = ("--data", data, "--rows", 40, "--causal-rows", 12, "--repeats", 1)
    printed = benchmark("embed", *given)
    assert re.search(r"ours, bf16 .*% +│ +[\d.]+x +│ +[\d.]+x ", printed)
    assert len(re.findall(r"in bf16: mean cosine to fp32 (?:0\.99|1\.0)\d+;", printed)) == 2


def test_engine(benchmark: Benchmark, data: Path, tiny: Path) -> None:
    printed = benchmark("engine", "--data", data, "--rows", 100, "--repeats", 1, "--model", tiny)
    assert re.search(r"outside methods: [\d.]+% of the wall time", printed)


def test_growth(benchmark: Benchmark, bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    growth = bench("growth")
    monkeypatch.setattr(growth, "LAST", {"top": growth.LAST["top"]})
    try:
        printed = benchmark("growth", "--rows", 500, "--dimension", 4, "--limit", 2)
    except SystemExit as none:
        if "no memory cgroup" not in str(none):
            raise
        pytest.skip(str(none))
    assert "each within 2 GB" in printed
    assert re.search(r"top +│ +[\d.]+ s │ +[\d.]+ s │ +[\d,]+ MiB │ +\d+ MiB", printed)


def test_kmeans(benchmark: Benchmark) -> None:
    sizes = ("--rows", 3000, "--dimension", 8, "-k", 10, "--iterations", 3, "--repeats", 1)
    printed = benchmark("kmeans", *sizes)
    assert re.search(r"scikit-learn [\d.]+ s, ours [\d.]+ s: [\d.]+x", printed)
    assert re.search(r"inertia of ours: [01]\.\d+ of scikit-learn's", printed)


def test_nearest(benchmark: Benchmark, tmp_path: Path) -> None:
    sizes = ("--rows", 5000, "--dimension", 16, "--targets", 30, "--repeats", 1)
    for _ in range(2):  # the second time from the vectors that the first has kept
        printed = benchmark("nearest", *sizes, "--keep", tmp_path / "pool.npy")
        for control in ("numpy in blocks", "numpy, full matrix"):
            assert re.search(rf"{control}: [\d.]+ s, [\d.]+x ours", printed)
        assert re.search(r"GF/s, [\d,]+% of what is possible in fp32", printed)
        assert "500 rows each: the same rows" in printed
    with pytest.raises(SystemExit, match="holds vectors of shape"):
        benchmark("nearest", *sizes[2:], "--rows", 99, "--keep", tmp_path / "pool.npy")


@pytest.mark.parametrize("form", [(), ("--parquet",)])
def test_read(
    form: tuple[str, ...], benchmark: Benchmark, bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec("pandas") is None:  # it comes with an extra
        for arms in (bench("read").ARMS, bench("read").PARQUET):
            monkeypatch.delitem(arms, "pandas")
    printed = benchmark("read", *form, "--rows", 50, "--repeats", 1)
    assert re.search(r"(orjson|pyarrow) alone .* [\d.]+× ", printed)
