"""Uploaded files: put below a root under a free name, or under the name of an equal file that lies there."""

from __future__ import annotations

import contextlib
import filecmp
import itertools
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from engine.errors import BadName
from engine.events import Folder
from engine.files import Files


def store_upload(
	files: Files, content: IO[bytes], name: str, folder: Folder, subfolder: str, *, overwrite: bool
) -> str:
	"""Store a file and give the name it got. Nobody ever sees it half-written.

	A name that is taken by other content gets ` (1)`, ` (2)` … unless `overwrite`. Raises `BadName` for a name that
	leaves the root or cannot be that of a file. Takes time: not for the event loop.
	"""
	base = files.path('', folder, subfolder)
	wanted = files.path(name, folder, subfolder)
	if base not in wanted.parents:
		raise BadName(name, folder)
	try:
		wanted.parent.mkdir(parents=True, exist_ok=True)
		if wanted.is_dir():
			raise BadName(name, folder)
		# A name that the file system refuses is found out here, before anything is written.
		with contextlib.suppress(FileNotFoundError):
			wanted.stat()
	except (OSError, UnicodeError) as error:
		raise BadName(name, folder) from error
	with partial_file(wanted.parent, content) as partial:
		final = partial.replace(wanted) if overwrite else claim(partial, wanted)
	return final.relative_to(base).as_posix()


@contextlib.contextmanager
def partial_file(folder: Path, content: IO[bytes]) -> Iterator[Path]:
	"""The content in a hidden file of the folder, which is gone at the end unless it was renamed."""
	partial = folder / f'.upload-{secrets.token_hex(8)}.part'
	try:
		with partial.open('xb') as stream:
			shutil.copyfileobj(content, stream)
		yield partial
	finally:
		partial.unlink(missing_ok=True)


def claim(partial: Path, wanted: Path) -> Path:
	"""Give the content the first name that is free, or whose file is the same."""
	names = (wanted.with_name(f'{wanted.stem} ({number}){wanted.suffix}') for number in itertools.count(1))
	for candidate in itertools.chain([wanted], names):
		if candidate.exists():
			if candidate.is_file() and filecmp.cmp(partial, candidate, shallow=False):
				break
			continue
		try:
			candidate.hardlink_to(partial)
		except FileExistsError:
			continue  # Somebody was faster.
		except OSError:
			partial.rename(candidate)  # A file system without hard links.
		break
	return candidate
