"""Uploaded files: put below a root under a free name, or under the name of an equal file that lies there."""

from __future__ import annotations

import contextlib
import errno
import filecmp
import itertools
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from engine.errors import BadName
from engine.events import Folder
from engine.files import OWN_MARK, Files, is_text

LONGEST = 4096
DEEPEST = 32
SHOWN = 100
UNUSABLE = 'the file system does not take it'
FILE_WITHIN = 'a part of it is a file, not a folder'
REFUSED = 'this place may not be written to'
REASONS: Mapping[int, str] = {
	errno.ENAMETOOLONG: 'it is too long',
	errno.EEXIST: FILE_WITHIN,
	errno.ENOTDIR: FILE_WITHIN,
	errno.EISDIR: 'a folder has it',
	errno.EINVAL: UNUSABLE,
	errno.EILSEQ: UNUSABLE,
	errno.EACCES: REFUSED,
	errno.EPERM: REFUSED,
	errno.EROFS: REFUSED,
}


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
			raise BadName(shown, folder, reason=REASONS[errno.EISDIR])
		with partial_file(wanted.parent, content) as partial:
			final = partial.replace(wanted) if overwrite else claim(partial, wanted)
	return final.relative_to(files.path('', folder, subfolder)).as_posix()


def find_place(files: Files, name: str, folder: Folder, subfolder: str, shown: str) -> Path:
	"""Where the file is to lie; `BadName` if it cannot lie there, as far as the name alone tells."""
	if not (is_text(name) and is_text(subfolder)):
		raise BadName(shown, folder, reason='it is not UTF-8')
	if len(subfolder) + len(name) > LONGEST:
		raise BadName(shown, folder, reason=REASONS[errno.ENAMETOOLONG])
	base = files.path('', folder, subfolder)
	wanted = files.path(name, folder, subfolder)
	if wanted == base:
		raise BadName(shown, folder, reason='it names no file')
	if base not in wanted.parents:
		raise BadName(shown, folder, reason='it leaves the subfolder')
	if wanted.name.lower() == OWN_MARK:  # Some file systems do not tell the two cases apart.
		raise BadName(shown, folder, reason='it is the name of a mark that is not for clients')
	# Who lists the root goes into it level by level.
	if len(wanted.parent.relative_to(files.root(folder).resolve()).parts) > DEEPEST:
		raise BadName(shown, folder, reason=f'it is more than {DEEPEST} folders deep')
	return wanted


def shortened(name: str) -> str:
	"""A name as a sentence can hold it."""
	return name if len(name) <= SHOWN else f'{name[:SHOWN]}…'


@contextlib.contextmanager
def refusing(shown: str, folder: Folder) -> Iterator[None]:
	"""What the file system says against a name, as `BadName`; a full disk and the like are passed on."""
	try:
		yield
	except OSError as error:
		reason = REASONS.get(error.errno or 0)
		if reason is None:
			raise
		raise BadName(shown, folder, reason=reason) from error
	except UnicodeError as error:
		raise BadName(shown, folder, reason=UNUSABLE) from error


@contextlib.contextmanager
def folders_for(wanted: Path) -> Iterator[None]:
	"""Make the folders above a file; those that were missing are gone again if what follows fails."""
	made: list[Path] = []
	try:
		for folder in reversed(wanted.parents):
			if not folder.is_dir():
				folder.mkdir(exist_ok=True)
				made.append(folder)
		yield
	except BaseException:
		for folder in reversed(made):
			with contextlib.suppress(OSError):
				folder.rmdir()
		raise


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
