"""The pictures below the output folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine.errors import BadName, FileMissing
from engine.files import Files
from engine.settings import Settings
from server.gallery import delete_picture, find_picture, list_pictures, look

OUTSIDE = ['../secret.png', '/etc/passwd.png', 'sub/../../secret.png', '..\\secret.png', 'link.png']
MISSING = ['none.png', 'sub', 'notes.txt', '.hidden.png', 'sub/.part.png', 'x' * 300 + '.png', 'a.png/b.png', '']


def picture(path: Path, *, at: int, size: tuple[int, int] = (4, 3), **texts: str) -> None:
	"""A picture file of some second."""
	path.parent.mkdir(parents=True, exist_ok=True)
	info = PngInfo()
	for key, value in texts.items():
		info.add_text(key, value)
	Image.new('RGB', size).save(path, pnginfo=info)  # JPEG takes no notice of it.
	os.utime(path, (at, at))


@pytest.fixture
def files(tmp_path: Path) -> Files:
	"""An output folder with pictures, and with what is none or must not be shown."""
	output = tmp_path / 'output'
	picture(output / 'old.png', at=100)
	picture(output / 'sub' / 'new.jpg', at=300)
	picture(output / 'b.png', at=200, prompt='{}', lumengraph='{}')
	picture(output / 'a.png', at=200, size=(8, 8), workflow='{}')
	picture(output / '.hidden.png', at=400)
	picture(output / 'sub' / '.part.png', at=400)
	picture(output / '.trash' / 'x.png', at=400)
	picture(tmp_path / 'secret.png', at=400)
	(output / 'notes.txt').write_text('no picture')
	(output / 'damaged.png').write_bytes(b'no picture either')
	os.utime(output / 'damaged.png', (50, 50))
	(output / 'link.png').symlink_to(tmp_path / 'secret.png')
	(output / 'away').symlink_to(tmp_path)
	return Files(Settings(base=tmp_path))


class TestListing:
	"""Newest first."""

	def test_order(self, files: Files) -> None:
		"""By time, then by name; hidden files and links are passed over."""
		assert [found.path for found in list_pictures(files)] == [
			'sub/new.jpg',
			'a.png',
			'b.png',
			'old.png',
			'damaged.png',
		]

	def test_below_a_folder(self, files: Files) -> None:
		"""Paths are still those below the output folder."""
		assert [found.path for found in list_pictures(files, 'sub')] == ['sub/new.jpg']
		assert list_pictures(files, 'none') == []

	@pytest.mark.parametrize('folder', ['..', '/', 'away', 'sub/../..'])
	def test_outside(self, files: Files, folder: str) -> None:
		"""No folder leads out."""
		with pytest.raises(BadName):
			list_pictures(files, folder)

	def test_no_output_folder(self, tmp_path: Path) -> None:
		"""Nothing has been saved yet."""
		assert list_pictures(Files(Settings(base=tmp_path))) == []


class TestLooking:
	"""What a header tells."""

	def test_size_and_workflows(self, files: Files) -> None:
		"""Pixels, format, and which workflows are inside."""
		told = {found.path: look(files, found) for found in list_pictures(files)}

		assert (told['a.png'].width, told['a.png'].height, told['a.png'].format) == (8, 8, 'PNG')
		assert told['a.png'].metadata.model_dump() == {'prompt': False, 'workflow': True, 'lumengraph': False}
		assert told['b.png'].metadata.model_dump() == {'prompt': True, 'workflow': False, 'lumengraph': True}
		assert (told['sub/new.jpg'].format, told['sub/new.jpg'].modified) == ('JPEG', 300.0)

	def test_damaged(self, files: Files) -> None:
		"""Is told all the same, without what cannot be known."""
		(found,) = (found for found in list_pictures(files) if found.path == 'damaged.png')
		told = look(files, found)

		assert (told.size, told.width, told.height, told.format) == (17, None, None, None)


class TestFinding:
	"""By path."""

	def test_there(self, files: Files) -> None:
		"""Slashes of either kind."""
		assert find_picture(files, 'sub/new.jpg') == find_picture(files, 'sub\\new.jpg')

	@pytest.mark.parametrize('path', OUTSIDE)
	def test_outside(self, files: Files, path: str) -> None:
		"""Refused, and not deleted."""
		with pytest.raises(BadName):
			find_picture(files, path)
		with pytest.raises(BadName):
			delete_picture(files, path)

	@pytest.mark.parametrize('path', MISSING)
	def test_missing(self, files: Files, path: str) -> None:
		"""What is not listed is not there, and cannot be deleted."""
		with pytest.raises(FileMissing):
			find_picture(files, path)
		with pytest.raises(FileMissing):
			delete_picture(files, path)

	def test_deleting(self, files: Files) -> None:
		"""One file, no other."""
		delete_picture(files, 'sub/new.jpg')

		assert [found.path for found in list_pictures(files)] == ['a.png', 'b.png', 'old.png', 'damaged.png']
