"""Workflows by name: those of the program, and the user's own."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import JsonValue

from engine.errors import BadDocument, BadName
from engine.formats.document import WorkflowDocument
from engine.formats.native import read_document
from engine.settings import Settings
from server.errors import Outdated
from server.library import Library, WorkflowNotFound, WorkflowReadOnly

DOCUMENT: dict[str, JsonValue] = {
	'lumengraph': 2,
	'title': 'One',
	'nodes': {'a': {'kind': 'X', 'inputs': {'seed': 2**64 - 1, 'none': None}, 'more': 1}},
	'own': [2],
}
NASTY = [
	'../outside',
	'..',
	'.',
	'',
	'/etc/passwd',
	'one.json',
	'README.md',
	'a/b',
	'a\\b',
	'.hidden',
	'x' * 300,
	'a\0b',
]


def always(etag: str | None) -> None:
	"""Allow every change."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
	"""Bundled workflows: one, a broken one, and files that are none."""
	folder = tmp_path / 'bundled'
	folder.mkdir()
	(folder / 'one.json').write_text(json.dumps(DOCUMENT))
	(folder / 'broken.json').write_text('{')
	(folder / 'newer.json').write_text('{"lumengraph": 99, "nodes": {}}')
	(folder / 'README.md').write_text('read me')
	(folder / 'one.expect.json').write_text('{}')
	(folder / 'folder.json').mkdir()
	(tmp_path / 'outside.json').write_text(json.dumps(DOCUMENT))
	return folder


@pytest.fixture
def library(folder: Path, tmp_path: Path) -> Library:
	"""A library whose own folder does not exist yet."""
	return Library(folder, tmp_path / 'user' / 'workflows')


def document(title: str = 'Mine') -> WorkflowDocument:
	"""A workflow to save."""
	return read_document({**DOCUMENT, 'title': title})


class TestReading:
	"""Listing and finding."""

	def test_broken_files_hide_nothing(self, library: Library) -> None:
		"""What cannot be read is left out; the program's come first, then the user's own, by name."""
		library.save('b', document(), always)
		library.save('a', document(), always)

		assert [(entry.name, entry.built_in) for entry in library.entries()] == [
			('one', True),
			('a', False),
			('b', False),
		]

	def test_document_is_what_the_file_says(self, library: Library) -> None:
		"""Nothing is added, nothing is lost, large numbers neither."""
		assert library.find('one').source == DOCUMENT

	@pytest.mark.parametrize('name', ['none', 'broken', 'newer', 'one.expect', *NASTY])
	def test_names_lead_nowhere_else(self, library: Library, name: str) -> None:
		"""Only what is listed is found, and only that can be deleted."""
		with pytest.raises(WorkflowNotFound):
			library.find(name)
		if name not in ('broken', 'newer'):
			with pytest.raises(WorkflowNotFound):
				library.delete(name, always)


class TestSaving:
	"""The user's own."""

	def test_comes_back(self, library: Library) -> None:
		"""As it was saved; the second time it takes the place of the first."""
		first, is_new = library.save('mine', document(), always)
		again, is_new_again = library.save('mine', document('Other'), always)
		found = library.find('mine')

		assert (is_new, is_new_again) == (True, False)
		assert found.source == {**DOCUMENT, 'title': 'Other'}
		assert found == again
		assert found.etag != first.etag

	def test_file_is_fit_to_read(self, library: Library, tmp_path: Path) -> None:
		"""One value per line, so that a difference is seen; nothing else is left in the folder."""
		library.save('mine', document(), always)
		(file,) = (tmp_path / 'user' / 'workflows').iterdir()

		assert file.name == 'mine.json'
		assert json.loads(file.read_text()) == {**DOCUMENT, 'title': 'Mine'}
		assert len(file.read_text().splitlines()) > 10

	def test_change_is_meant_for_what_was_seen(self, library: Library) -> None:
		"""Whoever decides is told the ETag of what is there, and what it refuses is not done."""
		seen: list[str | None] = []
		saved, _ = library.save('mine', document(), seen.append)
		library.save('mine', document(), seen.append)

		def refuse(etag: str | None) -> None:
			raise Outdated('no')

		with pytest.raises(Outdated):
			library.save('mine', document('Other'), refuse)
		with pytest.raises(Outdated):
			library.delete('mine', refuse)

		assert seen == [None, saved.etag]
		assert library.find('mine').title == 'Mine'

	def test_of_two_at_once_one_is_refused(self, library: Library) -> None:
		"""Both saw that there is nothing; only one of them creates it."""
		outcomes: list[str] = []

		def only_new(etag: str | None) -> None:
			if etag is not None:
				raise Outdated('there')

		def create() -> None:
			try:
				library.save('mine', document(), only_new)
				outcomes.append('saved')
			except Outdated:
				outcomes.append('refused')

		threads = [threading.Thread(target=create) for _ in range(8)]
		for thread in threads:
			thread.start()
		for thread in threads:
			thread.join()

		assert sorted(outcomes) == ['refused'] * 7 + ['saved']

	def test_programs_own_cannot_be_changed(self, library: Library, folder: Path) -> None:
		"""Neither replaced nor deleted, even the broken ones."""
		before = (folder / 'one.json').read_bytes()
		for name in ('one', 'broken'):
			with pytest.raises(WorkflowReadOnly, match=name):
				library.save(name, document(), always)
			with pytest.raises(WorkflowReadOnly, match=name):
				library.delete(name, always)

		assert (folder / 'one.json').read_bytes() == before

	def test_newer_version_is_refused(self, library: Library) -> None:
		"""What this program could not read it does not keep."""
		with pytest.raises(BadDocument, match='version 99'):
			library.save('mine', WorkflowDocument(lumengraph=99, nodes={}), always)

	@pytest.mark.parametrize('name', ['nul', 'CON', 'com1.x', 'x' * 300, 'mine.expect'])
	def test_names_that_are_not_to_be_had(self, library: Library, tmp_path: Path, name: str) -> None:
		"""Are refused with a reason, and leave nothing behind."""
		with pytest.raises(BadName):
			library.save(name, document(), always)

		assert not list(tmp_path.glob('user/workflows/*'))

	def test_deleting(self, library: Library) -> None:
		"""Then it is gone."""
		library.save('mine', document(), always)
		library.delete('mine', always)

		with pytest.raises(WorkflowNotFound):
			library.find('mine')


class TestOtherForms:
	"""Files of ComfyUI's forms, in the user's folder and where its front end saves them."""

	PROMPT: ClassVar[dict[str, JsonValue]] = {'1': {'class_type': 'X', 'inputs': {}}}
	EDITOR: ClassVar[dict[str, JsonValue]] = {'nodes': [{'id': 1, 'type': 'X'}], 'links': [], 'version': 0.4}

	@pytest.fixture
	def user(self, tmp_path: Path) -> Path:
		"""The user folder, with a file in each place."""
		user = tmp_path / 'user'
		saved = user / 'default' / 'workflows'
		(saved / 'sub').mkdir(parents=True)
		(saved / '.hidden').mkdir()
		(user / 'workflows').mkdir()
		(saved / 'drawn.json').write_text(json.dumps(self.EDITOR))
		(saved / 'sub' / 'deep.json').write_text(json.dumps(self.PROMPT))
		(saved / '.hidden' / 'not.json').write_text(json.dumps(self.PROMPT))
		(saved / 'other.json').write_text('{"a": 1}')
		(user / 'workflows' / 'posted.json').write_text(json.dumps(self.PROMPT))
		return user

	def test_are_listed_and_found(self, user: Path, folder: Path) -> None:
		"""Each by its name, with the folders below; what is no workflow is left out."""
		library = Library.of(Settings(base=user.parent, user=user), folder)

		assert [(entry.name, entry.form) for entry in library.entries()] == [
			('one', 'native'),
			('posted', 'api'),
			('drawn', 'editor'),
			('sub/deep', 'api'),
		]
		assert library.find('drawn').source == self.EDITOR
		assert library.find('sub/deep').source == self.PROMPT

	def test_one_that_is_saved_goes_before(self, user: Path, folder: Path) -> None:
		"""What was there is left alone, and is there again when the saved one is deleted; then it can be deleted itself."""
		library = Library.of(Settings(base=user.parent, user=user), folder)
		library.save('drawn', document(), always)

		assert library.find('drawn').form == 'native'
		library.delete('drawn', always)
		assert library.find('drawn').form == 'editor'
		library.delete('drawn', always)
		with pytest.raises(WorkflowNotFound):
			library.find('drawn')

	def test_one_that_was_seen_can_be_saved(self, user: Path, folder: Path) -> None:
		"""Whoever decides is told the ETag of what is there, wherever it lies; that is a version of it then."""
		library = Library.of(Settings(base=user.parent, user=user), folder)
		seen: list[str | None] = []
		before = library.find('drawn').etag
		_, fresh = library.save('drawn', document(), seen.append)

		assert (seen, fresh) == ([before], False)
		assert len(library.versions_of('drawn')) == 1
		assert json.loads((user / 'default' / 'workflows' / 'drawn.json').read_text()) == self.EDITOR

	def test_folders_of_several_people_are_theirs(self, user: Path, folder: Path) -> None:
		"""Where people are told apart, nobody's files are shown to all."""
		library = Library.of(Settings(base=user.parent, user=user, multi_user=True), folder)

		assert [entry.name for entry in library.entries()] == ['one', 'posted']
