"""The files of one person."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from engine.errors import BadName
from server.errors import BadRequest, Forbidden, NameTaken
from server.users.files import UserFileMissing, UserFiles


@pytest.fixture
def files(tmp_path: Path) -> UserFiles:
	"""A person with three workflows, one of them hidden, beside somebody else's file."""
	(tmp_path / 'secret').write_text('secret')
	root = tmp_path / 'ann'
	(root / 'workflows' / 'Sub').mkdir(parents=True)
	(root / 'workflows' / 'b.json').write_text('{}')
	(root / 'workflows' / 'Sub' / 'a.json').write_text('{"a": 1}')
	(root / 'workflows' / '.index.json').write_text('{}')
	return UserFiles(root)


def put(files: UserFiles, name: str, content: bytes = b'x', *, overwrite: bool = True) -> None:
	"""Store a file."""
	files.store(name, io.BytesIO(content), overwrite=overwrite)


class TestListing:
	"""What there is."""

	def test_files_of_a_folder(self, files: UserFiles) -> None:
		"""With or without those of its folders, by paths below it; hidden ones are left out."""
		flat = [entry.path for entry in files.files_in('workflows', recurse=False)]
		deep = [entry.path for entry in files.files_in('workflows/', recurse=True)]

		assert flat == ['b.json']
		assert deep == ['b.json', 'Sub/a.json']

	def test_sizes_and_times(self, files: UserFiles, tmp_path: Path) -> None:
		"""Bytes, and milliseconds since 1970."""
		[entry] = files.files_in('workflows/Sub', recurse=False)
		status = (tmp_path / 'ann' / 'workflows' / 'Sub' / 'a.json').stat()

		assert entry.size == 8
		assert (entry.modified, entry.created) == (int(status.st_mtime * 1000), int(status.st_ctime * 1000))

	def test_tree(self, files: UserFiles) -> None:
		"""Folders first; paths are those below the person's folder, wherever the tree begins."""
		tree = [(entry.path, entry.is_folder) for entry in files.tree('')]
		branch = [entry.path for entry in files.tree('workflows/Sub')]

		assert tree == [
			('workflows/Sub', True),
			('workflows', True),
			('workflows/Sub/a.json', False),
			('workflows/b.json', False),
		]
		assert branch == ['workflows/Sub/a.json']

	def test_nothing_yet(self, tmp_path: Path) -> None:
		"""Who never stored anything has an empty tree, and no folder of any name."""
		nobody = UserFiles(tmp_path / 'nobody')

		assert nobody.tree('') == []
		with pytest.raises(UserFileMissing):
			nobody.tree('workflows')
		with pytest.raises(UserFileMissing):
			nobody.files_in('workflows', recurse=True)

	def test_file_is_no_folder(self, files: UserFiles) -> None:
		"""A tree of a file is refused."""
		with pytest.raises(BadRequest, match='file, not a folder'):
			files.tree('workflows/b.json')
		with pytest.raises(UserFileMissing):
			files.files_in('workflows/b.json', recurse=False)

	def test_links_that_lead_out_are_passed_over(self, files: UserFiles, tmp_path: Path) -> None:
		"""To files and to folders; a link to nothing too."""
		(tmp_path / 'ann' / 'out').symlink_to(tmp_path / 'secret')
		(tmp_path / 'ann' / 'all').symlink_to(tmp_path)
		(tmp_path / 'ann' / 'none').symlink_to(tmp_path / 'ann' / 'nowhere')

		assert [entry.path for entry in files.files_in('.', recurse=True)] == [
			'workflows/b.json',
			'workflows/Sub/a.json',
		]


class TestStoring:
	"""What comes in."""

	def test_makes_the_folders_above(self, files: UserFiles, tmp_path: Path) -> None:
		"""And tells where the file lies."""
		entry = files.store('new\\deep/c.json', io.BytesIO(b'abc'), overwrite=False)

		assert (entry.path, entry.size) == ('new/deep/c.json', 3)
		assert (tmp_path / 'ann' / 'new' / 'deep' / 'c.json').read_bytes() == b'abc'

	def test_overwrites_only_when_asked(self, files: UserFiles) -> None:
		"""Else the file that is there stays."""
		with pytest.raises(NameTaken):
			put(files, 'workflows/b.json', b'new', overwrite=False)
		before = files.find('workflows/b.json').read_bytes()
		put(files, 'workflows/b.json', b'new')

		assert (before, files.find('workflows/b.json').read_bytes()) == (b'{}', b'new')

	@pytest.mark.parametrize(
		('name', 'reason'),
		[
			('', 'it names no file'),
			('workflows/..', 'it names no file'),
			('workflows', 'a folder has it'),
			('workflows/b.json/c', 'a part of it is a file'),
			('x' * 300, 'it is too long'),
			('x/' * 40 + 'y', 'it is more than 32 folders deep'),
		],
	)
	def test_names_that_cannot_be(self, files: UserFiles, tmp_path: Path, name: str, reason: str) -> None:
		"""Each is refused in its own words, and nothing is left behind."""
		before = sorted(tmp_path.rglob('*'))
		with pytest.raises(BadName, match=reason):
			put(files, name)

		assert sorted(tmp_path.rglob('*')) == before

	@pytest.mark.parametrize('name', ['../secret', '/tmp/secret', '..\\secret', 'C:\\secret', 'out/secret'])
	def test_names_that_lead_out(self, files: UserFiles, tmp_path: Path, name: str) -> None:
		"""Nothing of somebody else's is read, replaced, moved or deleted."""
		(tmp_path / 'ann' / 'out').symlink_to(tmp_path)
		for call in (
			lambda: files.find(name),
			lambda: put(files, name),
			lambda: files.delete(name),
			lambda: files.move(name, 'mine', overwrite=True),
			lambda: files.move('workflows/b.json', name, overwrite=True),
			lambda: files.tree(name),
			lambda: files.files_in(name, recurse=True),
		):
			with pytest.raises(Forbidden):
				call()

		assert (tmp_path / 'secret').read_text() == 'secret'


class TestMoving:
	"""Other names."""

	def test_moves(self, files: UserFiles) -> None:
		"""Into folders that are made for it; the old name is free."""
		entry = files.move('workflows/b.json', 'archive/2024/b.json', overwrite=False)

		assert entry.path == 'archive/2024/b.json'
		assert files.find('archive/2024/b.json').read_text() == '{}'
		with pytest.raises(UserFileMissing):
			files.find('workflows/b.json')

	def test_replaces_only_when_asked(self, files: UserFiles) -> None:
		"""Else both files stay what they are."""
		with pytest.raises(NameTaken):
			files.move('workflows/b.json', 'workflows/Sub/a.json', overwrite=False)
		before = files.find('workflows/Sub/a.json').read_text()
		files.move('workflows/b.json', 'workflows/Sub/a.json', overwrite=True)

		assert (before, files.find('workflows/Sub/a.json').read_text()) == ('{"a": 1}', '{}')

	def test_what_is_not_there_cannot_be_moved(self, files: UserFiles, tmp_path: Path) -> None:
		"""And no folder is made for it."""
		with pytest.raises(UserFileMissing):
			files.move('none.json', 'made/none.json', overwrite=True)

		assert not (tmp_path / 'ann' / 'made').exists()


class TestDeleting:
	def test_deletes_files_only(self, files: UserFiles) -> None:
		"""A folder is no file."""
		files.delete('workflows/b.json')

		assert [entry.path for entry in files.files_in('workflows', recurse=True)] == ['Sub/a.json']
		for name in ('workflows/b.json', 'workflows', '.'):
			with pytest.raises(UserFileMissing):
				files.delete(name)
