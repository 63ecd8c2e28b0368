"""A project as its file would stand without some of its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from powerml.config.project import ProjectSpec, load_project

if TYPE_CHECKING:
    from collections.abc import Collection


def without(project: ProjectSpec, names: Collection[str]) -> ProjectSpec:
    """The project whose file, written beside the old one, does not name these tables."""
    declared = yaml.safe_load((project.base / "powerml.yaml").read_text(encoding="utf-8"))
    declared["tables"] = {name: spec for name, spec in declared["tables"].items() if name not in names}
    if "subscriptions" in names:
        declared["outcome"] = {**declared.get("outcome", {}), "kind": "behavioural"}
    path = project.base / f"without-{'-'.join(sorted(names))}.yaml"
    path.write_text(yaml.safe_dump(declared, sort_keys=False), encoding="utf-8")
    return load_project(path)
