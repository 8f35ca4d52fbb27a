"""Names that clients send, as paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.errors import Forbidden
from server.paths import find_file, inside, shortened

OUTSIDE = [
	'..',
	'../secret',
	'a/../../secret',
	'..\\secret',
	'a\\..\\..\\secret',
	'/etc/passwd',
	'\\etc\\passwd',
	'//host/share',
	'C:\\secret',
	'c:secret',
	'C:/secret',
	'nul\0',
	'half \ud800 of a pair',
	'link/secret',
	'link',
	'circle',
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
	"""A folder with a file, a hidden one, a link out of it, a link inside it and a link to itself."""
	root = tmp_path / 'root'
	(root / 'sub').mkdir(parents=True)
	(tmp_path / 'secret').touch()
	(root / 'sub' / 'file').touch()
	(root / '.git').mkdir()
	(root / '.git' / 'config').touch()
	(root / 'link').symlink_to(tmp_path)
	(root / 'near').symlink_to(root / 'sub')
	(root / 'circle').symlink_to(root / 'circle')
	return root


class TestInside:
	"""Where a name leads."""

	@pytest.mark.parametrize('name', OUTSIDE)
	def test_names_that_lead_out_are_refused(self, root: Path, name: str) -> None:
		"""Upwards, absolute, with a drive, by links, and what cannot be a name at all."""
		with pytest.raises(Forbidden):
			inside(root, name)

	@pytest.mark.parametrize(
		('name', 'parts'),
		[
			('', ()),
			('.', ()),
			('a/b', ('a', 'b')),
			('a\\b', ('a', 'b')),
			('a/../b', ('b',)),
			('%2e%2e', ('%2e%2e',)),
			('near/file', ('sub', 'file')),
			('ab:c', ('ab:c',)),
		],
	)
	def test_other_names_lead_below_the_folder(self, root: Path, name: str, parts: tuple[str, ...]) -> None:
		"""With either separator; what looks encoded is a name like any other, since it was decoded already."""
		assert inside(root, name) == root.resolve().joinpath(*parts)

	def test_the_folder_itself_may_be_a_link(self, root: Path, tmp_path: Path) -> None:
		"""People put their data elsewhere."""
		(tmp_path / 'alias').symlink_to(root)

		assert inside(tmp_path / 'alias', 'sub/file') == root.resolve() / 'sub' / 'file'


class TestFindFile:
	"""Files that are there."""

	@pytest.mark.parametrize('name', [*OUTSIDE, '', 'sub', 'none', 'x' * 5000, '.git/config', 'sub/../.git/config'])
	def test_what_is_not_found(self, root: Path, name: str) -> None:
		"""What leads out, folders, what does not exist, what no file system could hold, and what is hidden."""
		assert find_file(root, name) is None

	def test_what_is_found(self, root: Path) -> None:
		"""A file, also by a link that stays inside; hidden ones only for who asks for them."""
		assert find_file(root, 'sub/file') == find_file(root, 'near/file') == root.resolve() / 'sub' / 'file'
		assert find_file(root, '.git/config', hidden=True) is not None


class TestShortened:
	def test_long_names_are_cut(self) -> None:
		"""A refusal does not repeat what goes on for pages."""
		assert shortened('x' * 100) == 'x' * 100
		assert shortened('x' * 101) == 'x' * 100 + '…'
