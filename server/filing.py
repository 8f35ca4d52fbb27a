"""Files put in their places: at once or not at all, with the folders above them, and refusals in words."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from engine.errors import BadName
from engine.files import is_text
from server.errors import NameTaken

LONGEST = 4096
DEEPEST = 32
UNUSABLE = 'the file system does not take it'
FILE_WITHIN = 'a part of it is a file, not a folder'
REFUSED = 'this place may not be written to'
TOO_LONG = 'it is too long'
IS_FOLDER = 'a folder has it'
REASONS: Mapping[int, str] = {
	errno.ENAMETOOLONG: TOO_LONG,
	errno.EEXIST: FILE_WITHIN,
	errno.ENOTDIR: FILE_WITHIN,
	errno.EISDIR: IS_FOLDER,
	errno.EINVAL: UNUSABLE,
	errno.EILSEQ: UNUSABLE,
	errno.EACCES: REFUSED,
	errno.EPERM: REFUSED,
	errno.EROFS: REFUSED,
}


def check_name(name: str, shown: str, folder: str) -> None:
	"""`BadName` if a name cannot be stored and told again. `shown` is how the refusal names it."""
	if not is_text(name):
		raise BadName(shown, folder, reason='it is not UTF-8')
	if len(name) > LONGEST:
		raise BadName(shown, folder, reason=TOO_LONG)


def check_depth(wanted: Path, root: Path, shown: str, folder: str) -> None:
	"""`BadName` if a file would lie too deep: who lists the root goes into it level by level."""
	if len(wanted.parent.relative_to(root.resolve()).parts) > DEEPEST:
		raise BadName(shown, folder, reason=f'it is more than {DEEPEST} folders deep')


@contextlib.contextmanager
def refusing(shown: str, folder: str) -> Iterator[None]:
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
	"""The content in a hidden file of the folder, safely on disk; gone at the end unless it was renamed."""
	partial = folder / f'.upload-{secrets.token_hex(8)}.part'
	try:
		with partial.open('xb') as stream:
			shutil.copyfileobj(content, stream)
			stream.flush()
			os.fsync(stream.fileno())
		yield partial
	finally:
		partial.unlink(missing_ok=True)


def place(partial: Path, wanted: Path) -> None:
	"""Give a finished file its name; `NameTaken` if another has it. Of two who want it, one gets it."""
	try:
		wanted.hardlink_to(partial)
	except FileExistsError:
		raise NameTaken(wanted.name) from None
	except OSError:
		# A file system without hard links: the check and the rename are then two steps.
		if wanted.exists():
			raise NameTaken(wanted.name) from None
		partial.rename(wanted)
	else:
		partial.unlink()


def write_file(wanted: Path, content: bytes) -> None:
	"""Replace a file's content; nobody ever sees it half-written, and a failure leaves the old one."""
	with folders_for(wanted), partial_file(wanted.parent, io.BytesIO(content)) as partial:
		partial.replace(wanted)
