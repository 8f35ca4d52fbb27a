"""The folders of a pack that browsers are shown: its scripts and styles for the official front end."""

from __future__ import annotations

import logging
import tomllib
from pathlib import Path
from types import ModuleType

from engine.plugins import pack_name

log = logging.getLogger(__name__)
PROJECT = 'pyproject.toml'


def web_folders(module: ModuleType, pack: Path) -> dict[str, Path]:
	"""Name → folder: `WEB_DIRECTORY` under the pack's name, `web` of `[tool.comfy]` in its pyproject.toml under the
	project's.

	A folder that is not there, or lies outside of the pack, is logged and left out.
	"""
	declared = _of_project(pack)
	own = getattr(module, 'WEB_DIRECTORY', None)
	if isinstance(own, str) and own:
		declared.setdefault(pack_name(pack), own)
	found: dict[str, Path] = {}
	for name, folder in declared.items():
		place = _inside(pack, folder)
		if place is None:
			log.warning('The web folder %r of pack %r is not a folder of it; it is left out.', folder, pack_name(pack))
		else:
			found[name] = place
	return found


def _inside(pack: Path, folder: str) -> Path | None:
	# A single file's folders lie beside it, among other packs: there it can have any but the whole.
	base = (pack if pack.is_dir() else pack.parent).resolve()
	try:
		place = (base / folder).resolve()
		fits = place.is_dir() and place.is_relative_to(base) and (pack.is_dir() or place != base)
	except (OSError, RuntimeError, ValueError):  # No name of a file, or links in a circle.
		return None
	return place if fits else None


def _of_project(pack: Path) -> dict[str, str]:
	"""What `pyproject.toml` of a pack that is a folder declares."""
	try:
		document = tomllib.loads((pack / PROJECT).read_text(encoding='utf-8'))
	except (FileNotFoundError, NotADirectoryError):
		return {}
	except (OSError, ValueError) as error:
		log.warning('The %s of pack %r cannot be read: %s', PROJECT, pack_name(pack), error)
		return {}
	folder = _table(_table(document, 'tool'), 'comfy').get('web')
	name = _table(document, 'project').get('name')
	if not isinstance(folder, str) or not folder:
		return {}
	return {name if isinstance(name, str) and name else pack_name(pack): folder}


def _table(document: dict[str, object], name: str) -> dict[str, object]:
	table = document.get(name)
	return table if isinstance(table, dict) else {}
