"""Who may import whom: methods use the public API alone, and the engine knows no method."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "selectlang": ROOT / "selectlang",
    "selectlang_plugins": ROOT / "plugins",
    "selectlang_specs": ROOT / "specs",
}


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def imports(path: Path, package: str) -> Iterator[tuple[str, ast.stmt]]:
    """The full name of each module, or name in a module, that a file imports, and the statement."""
    folder = PACKAGES[package]
    parents = [package, *path.relative_to(folder).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(parents[: len(parents) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield from ((f"{module}.{alias.name}", node) for alias in node.names)


@pytest.mark.parametrize("package", ["selectlang_plugins", "selectlang_specs"])
def test_built_ins_import_only_the_public_api(package: str) -> None:
    """Of selectlang they write `import selectlang as sl`, and nothing else."""
    paths = modules(PACKAGES[package])
    assert paths
    for path in paths:
        for name, node in imports(path, package):
            if name.split(".")[0] == "selectlang":
                assert ast.unparse(node) == "import selectlang as sl", path


def test_built_ins_use_only_public_names() -> None:
    """No `sl._x`, and no module of selectlang by way of `sl`."""
    import selectlang

    for path in modules(PACKAGES["selectlang_plugins"]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sl":
                assert node.attr in selectlang.__all__, f"{path}: sl.{node.attr}"


LOADER = "selectlang_plugins._models"
"""How the built-in methods load a transformers model safely; the models of `local/` are loaded so too,
and a lock pins the one that a package holds."""


def test_selectlang_imports_no_method_and_no_spec() -> None:
    for path in modules(PACKAGES["selectlang"]):
        for name, _ in imports(path, "selectlang"):
            if name != LOADER or path.name not in ("local.py", "named.py"):
                assert name.split(".")[0] not in ("selectlang_plugins", "selectlang_specs"), path


TOP = ("api", "cli", "commands", "demo", "result")
OVER_RUNS = (*TOP, "report", "seeing", "sharing", "testing")
OVER_SPECS = (*OVER_RUNS, "engine", "data", "store")
LAYERS = {
    "language": OVER_SPECS,
    "origins": (*OVER_RUNS, "engine", "data"),
    "data": (*OVER_RUNS, "engine", "language", "store"),
    "store": (*OVER_RUNS, "engine", "language"),
    "llm": (*OVER_RUNS, "engine", "data", "language"),
    "engine": OVER_RUNS,
    **dict.fromkeys(("drawing", "editor", "formatting"), (*TOP, "engine", "store")),
    **dict.fromkeys(("report", "seeing", "sharing", "testing"), TOP),
}
"""What each layer may not import."""


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_none_above_it(layer: str) -> None:
    for path in modules(PACKAGES["selectlang"] / layer):
        for name, _ in imports(path, "selectlang"):
            assert name.split(".")[1:2] not in [[above] for above in LAYERS[layer]], f"{path}: {name}"


HEAVY = {
    "numpy",
    "pyarrow",
    "torch",
    "faiss",
    "sklearn",
    "transformers",
    "scipy",
    "sentence_transformers",
    "litellm",
}


def test_no_module_imports_a_heavy_library_at_its_top() -> None:
    """So that checking a spec is fast; type checkers alone may see them there."""
    for package, folder in PACKAGES.items():
        for path in modules(folder):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in tree.body:
                if isinstance(node, ast.Import | ast.ImportFrom):
                    names = (
                        [alias.name for alias in node.names]
                        if isinstance(node, ast.Import)
                        else [node.module or ""]
                    )
                    assert not HEAVY & {name.split(".")[0] for name in names}, f"{package}: {path}"


def test_every_built_in_method_stands_where_the_yaml_says() -> None:
    """`score: nearest` is plugins/score/nearest.py, and every such file holds a method."""
    from selectlang.plugins import load

    methods = {
        (kind, name): method
        for (kind, name), method in load().methods.items()
        if method.distribution == "selectlang"
    }
    files = {
        (path.parent.name, path.stem) for path in PACKAGES["selectlang_plugins"].glob("*/*.py")
        if not path.name.startswith("_")
    }  # fmt: skip
    assert methods.keys() == files
    for (kind, name), method in methods.items():
        assert method.call.__module__ == f"selectlang_plugins.{kind}.{name}"


def test_built_ins_come_through_the_door_of_third_parties() -> None:
    from importlib.metadata import entry_points

    from selectlang.plugins import load

    points = {point.name: point.value for point in entry_points(group="selectlang")}
    assert points["builtin"] == "selectlang_plugins"
    registry = load()
    assert {plugin.name for plugin in registry.plugins} >= {"builtin", "specs"}
    assert [broken for broken in registry.broken if broken.plugin.distribution == "selectlang"] == []
