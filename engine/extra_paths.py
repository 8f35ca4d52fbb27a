"""Reads ComfyUI's `extra_model_paths.yaml`: where else models and packs of nodes lie.

my_models:
  base_path: ~/models          # relative to the file's folder if not absolute
  is_default: true             # these come before the others
  checkpoints: checkpoints
  loras: |
    loras
    more/loras
  custom_nodes: packs
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from engine.errors import BadDocument

LEGACY = {'unet': 'diffusion_models', 'clip': 'text_encoders'}
SETTINGS = ('base_path', 'is_default')
PACKS = 'custom_nodes'


@dataclass(frozen=True)
class ExtraPaths:
	"""Folders of custom nodes, and folder kind → folders of models.

	Those of `is_default` sections come first; in `first` they stand alone: they come before the program's own as well.
	"""

	custom_nodes: tuple[Path, ...] = ()
	models: dict[str, tuple[Path, ...]] = field(default_factory=dict)
	first: dict[str, tuple[Path, ...]] = field(default_factory=dict)


def read_extra_paths(path: Path) -> ExtraPaths:
	"""Read such a file. `~` and environment variables are expanded; the folders need not exist.

	Raises `BadDocument` if the file cannot be read or is not of this form.
	"""
	where = str(path)
	try:
		document = yaml.safe_load(path.read_text(encoding='utf-8'))
	except OSError as error:
		raise BadDocument(f'the file cannot be read: {error.strerror or error}', where=where) from error
	except (yaml.YAMLError, UnicodeDecodeError) as error:
		raise BadDocument(f'it is no YAML: {error}', where=where) from error
	if document is None:
		return ExtraPaths()
	if not isinstance(document, dict):
		raise BadDocument('a mapping of sections is expected', where=where)
	found: dict[str, list[Path]] = {}
	defaults: dict[str, list[Path]] = {}
	for name, section in document.items():
		if section is not None:
			is_first = isinstance(section, dict) and section.get('is_default') is True
			for kinds in (found, defaults) if is_first else (found,):
				_read_section(section, path.absolute().parent, f'{where}: section {str(name)!r}', kinds)
	packs = found.pop(PACKS, [])
	defaults.pop(PACKS, None)
	return ExtraPaths(
		tuple(packs),
		{kind: tuple(places) for kind, places in found.items()},
		{kind: tuple(places) for kind, places in defaults.items()},
	)


def _read_section(section: object, folder: Path, where: str, found: dict[str, list[Path]]) -> None:
	if not isinstance(section, dict):
		raise BadDocument('a mapping of folder kinds to paths is expected', where=where)
	base = section.get('base_path')
	if base is not None and not isinstance(base, str):
		raise BadDocument(f'base_path must be a path, not {base!r}', where=where)
	first = section.get('is_default', False)
	if not isinstance(first, bool):
		raise BadDocument(f'is_default must be true or false, not {first!r}', where=where)
	root = folder / _expanded(base) if base else folder
	for kind, lines in section.items():
		if kind in SETTINGS or lines is None:
			continue
		if not isinstance(kind, str) or not isinstance(lines, str):
			raise BadDocument(f'{kind!r} must be a path, or several on lines of their own, not {lines!r}', where=where)
		places = found.setdefault(LEGACY.get(kind, kind), [])
		named = [Path(os.path.normpath(root / _expanded(line))) for line in lines.splitlines() if line.strip()]
		fresh = [place for place in dict.fromkeys(named) if place not in places]
		places[:] = [*fresh, *places] if first else [*places, *fresh]


def _expanded(path: str) -> Path:
	return Path(os.path.expandvars(path.strip())).expanduser()
