"""The rules of the house that a tool can check."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(p for top in ("edge_agent", "quantize") for p in (ROOT / top).rglob("*.py"))
CORE_DEPENDENCIES = {
    "paho-mqtt",
    "onnxruntime",
    "numpy",
    "tokenizers",
    "pydantic-settings",
    "structlog",
}
TOP_LEVEL = {
    "pyproject.toml",
    "edge_agent",
    "quantize",
    "tests",
    "systemd",
    "README.md",
    "Makefile",
    "CHANGELOG.md",
    "LICENSE",
    "benchmarks",
    "docs",
}


def short(path):
    return str(path.relative_to(ROOT))


def test_the_core_dependencies_are_the_six_that_were_agreed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {line.partition(">")[0] for line in project["dependencies"]}
    assert names == CORE_DEPENDENCIES


def test_nothing_else_stands_at_the_top():
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    made_by_tools = {name for name in found if name.endswith(".egg-info")} | {"build", "dist"}
    assert found - made_by_tools <= TOP_LEVEL


TABLES = {"log_templates.py"}  # sentences to learn from, not code


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name not in TABLES], ids=short)
def test_a_module_does_one_thing_in_at_most_350_lines(path):
    assert len(path.read_text().splitlines()) <= 350


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_names_say_what_they_mean(path):
    vague = {"utils", "helpers", "manager", "handler", "process", "misc", "common"}
    assert path.stem not in vague
    tree = ast.parse(path.read_text())
    named = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef | ast.FunctionDef)]
    for node in named:
        words = node.name.lower()
        assert not words.startswith(("do_", "handle_", "process_")), node.name
        assert not words.endswith(("manager", "handler", "helper")), node.name


@pytest.mark.parametrize("path", [p for p in SOURCES if p.parts[-1] != "cli.py"], ids=short)
def test_only_the_command_line_catches_everything(path):
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            assert caught not in {"Exception", "everything"}, f"line {node.lineno}"


def test_onnxruntime_is_imported_in_one_file_only():
    importers = [p for p in SOURCES if "edge_agent" in p.parts and _imports(p, "onnxruntime")]
    assert [short(p) for p in importers] == ["edge_agent/io/runtime.py"]


def _imports(path, package):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import) and any(a.name.startswith(package) for a in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(package):
            return True
    return False
