"""Who there is. One person without a name, whose folder is `default/`; or several, listed in `users.json`."""

from __future__ import annotations

import json
import logging
import re
import threading
import uuid
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from engine.errors import EngineError
from engine.files import is_text
from server.errors import BadRequest, Forbidden, NameTaken, UnknownUser
from server.filing import write_file

log = logging.getLogger(__name__)

DEFAULT = 'default'
LIST = 'users.json'
RESERVED = '__'
# Those that the official front end lists at its start, and takes their absence for an error.
FOLDERS = ('workflows', 'subgraphs')
LONGEST_NAME = 100
LONGEST_SLUG = 40
people = TypeAdapter(dict[str, str])


class BrokenAccounts(EngineError):
	"""The list of people cannot be read, so nobody is let in and nobody added."""


class Accounts:
	"""The people below a user folder; with `several`, each has a folder of the name of their id.

	Accounts tell people apart, they do not keep them out: who can reach the server can say who they are.
	"""

	def __init__(self, folder: Path, *, several: bool) -> None:
		self._folder = folder
		self.several = several
		self._lock = threading.Lock()

	@property
	def migrated(self) -> bool:
		"""Whether the one person without a name has a folder yet."""
		return (self._folder / DEFAULT).is_dir()

	def prepare(self) -> None:
		"""Make the folder of the one person without a name, so that front ends find theirs in it."""
		if not self.several:
			self._make(DEFAULT)

	def _make(self, user: str) -> None:
		for name in FOLDERS:
			try:
				(self._folder / user / name).mkdir(parents=True, exist_ok=True)
			except OSError as error:  # Nothing can be stored then, but all else goes on.
				log.error('A folder for the files of users cannot be made: %s', error)

	def folder_of(self, user: str) -> Path:
		"""The folder of whoever sent this id; it may not exist yet.

		Raises `Forbidden` for a reserved id and `UnknownUser` for one that nobody has. Where there is only one person,
		whatever else was sent is ignored.
		"""
		if user.startswith(RESERVED):
			raise Forbidden(f'Ids that begin with {RESERVED} are reserved.')
		if not self.several:
			return self._folder / DEFAULT
		if user not in self.names():
			raise UnknownUser('The request names no user that this server knows.')
		return self._folder / user

	def names(self) -> dict[str, str]:
		"""Id → name, of everybody. Raises `BrokenAccounts`."""
		path = self._folder / LIST
		try:
			listed = people.validate_json(path.read_bytes())
		except FileNotFoundError:
			return {}
		except (OSError, ValidationError) as error:
			raise BrokenAccounts(f'{path} cannot be read: {error}') from error
		# Whoever edits the list by hand may not make an id lead elsewhere.
		return {user: name for user, name in listed.items() if is_id(user)}

	def add(self, name: str) -> str:
		"""Add somebody; gives their id. Raises `NameTaken` if somebody has that name, `BadRequest` if it is none."""
		name = name.strip()
		if not name or len(name) > LONGEST_NAME or not is_text(name) or not name.isprintable():
			raise BadRequest(f'A user name has 1 to {LONGEST_NAME} printable letters.')
		with self._lock:
			known = self.names()
			if name in known.values():
				raise NameTaken(name)
			user = f'{slug(name)}_{uuid.uuid4()}'
			write_file(self._folder / LIST, json.dumps({**known, user: name}, indent=4).encode())
			self._make(user)
		return user


def is_id(user: str) -> bool:
	"""Whether an id can be that of a user: one plain folder name, not a reserved one."""
	return re.fullmatch(r'[A-Za-z0-9_-]+', user) is not None and not user.startswith(RESERVED)


def slug(name: str) -> str:
	"""A name's letters that can be part of a folder's name."""
	return re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')[:LONGEST_SLUG] or 'user'
