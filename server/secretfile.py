"""Small files that only their owner may read: written whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from engine.errors import EngineError

M = TypeVar('M', bound=BaseModel)
OWNER_ONLY = 0o600


class DamagedSecrets(EngineError):
	"""A file of tokens or sessions cannot be read. Nobody is let in by it."""

	def __init__(self, path: Path, reason: str) -> None:
		super().__init__(f'{path} cannot be read: {reason}. Mend it, or remove it and make new tokens.')
		self.path = path


def read_private(path: Path, model: type[M]) -> M:
	"""What is in the file; an empty model if there is no file. Raises `DamagedSecrets`."""
	try:
		return model.model_validate_json(path.read_bytes())
	except FileNotFoundError:
		return model()
	except (OSError, ValidationError) as error:
		raise DamagedSecrets(path, str(error).splitlines()[0]) from error


def write_private(path: Path, content: BaseModel) -> None:
	"""Put it in the file as JSON, as `write_private_bytes` does."""
	write_private_bytes(path, content.model_dump_json(indent=2).encode())


def write_private_bytes(path: Path, content: bytes) -> None:
	"""Put it in the file, readable by its owner alone from the first byte."""
	path.parent.mkdir(parents=True, exist_ok=True)
	temporary = path.with_name(f'.{path.name}.{secrets.token_hex(4)}')
	try:
		with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), 'wb') as file:
			file.write(content)
			file.flush()
			os.fsync(file.fileno())
		temporary.replace(path)
	finally:
		temporary.unlink(missing_ok=True)


def signature(path: Path) -> tuple[int, int, int] | None:
	"""What changes when a file does; None if there is none."""
	try:
		found = path.stat()
	except OSError:
		return None
	return found.st_mtime_ns, found.st_size, found.st_ino
