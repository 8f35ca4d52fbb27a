"""Names that clients send, as paths that cannot leave a folder."""

from __future__ import annotations

import re
from pathlib import Path

from server.errors import Forbidden

DRIVE = re.compile(r'[A-Za-z]:')


def inside(root: Path, name: str) -> Path:
	"""Where a relative name leads below a folder, or the folder itself; `Forbidden` if it leads out of it.

	Backslashes separate as slashes do; an absolute name, one with a drive letter, and a symbolic link that leads out are
	refused.
	"""
	plain = slashed(name)
	if plain.startswith('/') or names_drive(plain) or '\0' in plain:
		raise Forbidden(f'The name {shortened(name)!r} is not one below a folder.')
	try:
		root = root.resolve()
		path = (root / plain).resolve()
	except (OSError, RuntimeError, ValueError):  # Links in a circle, or half of a surrogate pair: no such file can be.
		raise Forbidden(f'The name {shortened(name)!r} cannot be that of a file.') from None
	if not path.is_relative_to(root):
		raise Forbidden(f'The name {shortened(name)!r} leaves its folder.')
	return path


def find_file(root: Path, name: str, *, hidden: bool = False) -> Path | None:
	"""The existing file of a name below a folder; links that lead out of it are not followed.

	Files and folders whose names begin with a dot are found only with `hidden`.
	"""
	if not hidden and any(part.startswith('.') for part in slashed(name).split('/')):
		return None
	try:
		path = inside(root, name)
		return path if path.is_file() else None
	except (Forbidden, OSError):  # Outside, or too long for the file system.
		return None


def slashed(name: str) -> str:
	"""A name with one kind of separator: those from other systems carry backslashes."""
	return name.replace('\\', '/')


def names_drive(name: str) -> bool:
	"""Whether a name begins with a drive letter, which on some systems leads anywhere."""
	return DRIVE.match(name) is not None


def shortened(name: str, most: int = 100) -> str:
	"""A name as a sentence can hold it."""
	return name if len(name) <= most else f'{name[:most]}…'
