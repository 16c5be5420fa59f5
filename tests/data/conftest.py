import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selectlang.data.dataset import Dataset
from selectlang.data.ingest import ingest
from selectlang.data.source import DataSpec

Read = Callable[..., Dataset]


@pytest.fixture
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Ingest files and open the result: `read(path, ..., **fields of DataSpec)`."""

    def ingested(*paths: Path | str, **spec: Any) -> Dataset:
        folder = tmp_path_factory.mktemp("ingested")
        ingest(DataSpec(tuple(map(str, paths)), **spec), folder, lambda rows: None)
        return Dataset.open(folder, "key")

    return ingested


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Any], Path]:
    """Write a file: bytes and text as they are, a list as the format of its name; .gz compresses."""

    def written(name: str, content: Any) -> Path:
        path = tmp_path / name
        if isinstance(content, list):
            lines = name.removesuffix(".gz").endswith("l")
            content = "".join(json.dumps(row) + "\n" for row in content) if lines else json.dumps(content)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return written


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real data, which a clone of the project does not have."""
    folder = Path(os.environ.get("SELECTLANG_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set SELECTLANG_DATA to read it from elsewhere")
    return folder
