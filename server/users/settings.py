"""The settings of one person: a JSON object in a file of their folder, changed key by key."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue
from pydantic_core import from_json, to_json

from server.filing import write_file

log = logging.getLogger(__name__)
FILE = 'comfy.settings.json'
BROKEN = '.broken'


class UserSettings:
	"""Everybody's settings. Changes are made one after the other, so that none is lost."""

	def __init__(self) -> None:
		self._lock = threading.Lock()

	def read(self, folder: Path) -> dict[str, JsonValue]:
		"""The settings in a person's folder; none if there is no file, or it cannot be understood."""
		return read_object(folder / FILE) or {}

	def change(self, folder: Path, values: Mapping[str, JsonValue]) -> None:
		"""Set some of them. A file that cannot be understood is kept beside the new one."""
		path = folder / FILE
		with self._lock:
			settings = read_object(path)
			if settings is None and path.exists():
				path.replace(path.with_name(FILE + BROKEN))
			changed = {**(settings or {}), **values}
			write_file(path, to_json(changed, indent=4, inf_nan_mode='null'))


def read_object(path: Path) -> dict[str, JsonValue] | None:
	"""The JSON object in a file; None if there is none."""
	try:
		document: JsonValue = from_json(path.read_bytes())
	except FileNotFoundError:
		return None
	except (OSError, ValueError) as error:
		log.error('%s cannot be read: %s', path, error)
		return None
	if isinstance(document, dict):
		return document
	log.error('%s holds no JSON object.', path)
	return None
