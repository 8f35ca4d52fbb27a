"""Uploaded files: put below a root under a free name, or under the name of an equal file that lies there."""

from __future__ import annotations

import filecmp
import itertools
from pathlib import Path, PurePosixPath
from typing import IO

from engine.errors import BadName
from engine.events import Folder
from engine.files import OWN_MARK, Files
from server.errors import NameTaken
from server.filing import IS_FOLDER, check_depth, check_name, folders_for, partial_file, place, refusing
from server.paths import names_drive, shortened


def store_upload(
	files: Files, content: IO[bytes], name: str, folder: Folder, subfolder: str, *, overwrite: bool
) -> str:
	"""Store a file and give the name it got. Nobody ever sees it half-written, and a failure leaves nothing behind.

	A name that is taken by other content gets ` (1)`, ` (2)` … unless `overwrite`. Raises `BadName` for a name that
	leaves the root or cannot be that of a file; `OSError` where that is not the name's fault. Takes time: not for the
	event loop.
	"""
	shown = shortened(str(PurePosixPath(subfolder) / name))
	wanted = find_place(files, name, folder, subfolder, shown)
	with refusing(shown, folder), folders_for(wanted):
		if wanted.is_dir():
			raise BadName(shown, folder, reason=IS_FOLDER)
		with partial_file(wanted.parent, content) as partial:
			final = partial.replace(wanted) if overwrite else claim(partial, wanted)
	return final.relative_to(files.path('', folder, subfolder)).as_posix()


def find_place(files: Files, name: str, folder: Folder, subfolder: str, shown: str) -> Path:
	"""Where the file is to lie; `BadName` if it cannot lie there, as far as the name alone tells."""
	check_name(f'{subfolder}/{name}', shown, folder)
	if names_drive(name) or names_drive(subfolder):
		raise BadName(shown, folder, reason='it begins with a drive letter')
	base = files.path('', folder, subfolder)
	wanted = files.path(name, folder, subfolder)
	if wanted == base:
		raise BadName(shown, folder, reason='it names no file')
	if base not in wanted.parents:
		raise BadName(shown, folder, reason='it leaves the subfolder')
	if wanted.name.lower() == OWN_MARK:  # Some file systems do not tell the two cases apart.
		raise BadName(shown, folder, reason='it is the name of a mark that is not for clients')
	check_depth(wanted, files.root(folder), shown, folder)
	return wanted


def claim(partial: Path, wanted: Path) -> Path:
	"""Give the content the first name that is free, or whose file is the same."""
	names = (wanted.with_name(f'{wanted.stem} ({number}){wanted.suffix}') for number in itertools.count(1))
	for candidate in itertools.chain([wanted], names):
		if candidate.exists():
			if candidate.is_file() and filecmp.cmp(partial, candidate, shallow=False):
				break
			continue
		try:
			place(partial, candidate)
		except NameTaken:
			continue  # Somebody was faster.
		break
	return candidate
