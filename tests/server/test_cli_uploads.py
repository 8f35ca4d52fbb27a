"""Files that a workflow names, on their way into the input folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.declaration import Choice, Input, NodeInfo
from engine.errors import BadDocument
from engine.formats.workflow import Workflow, read_workflow
from engine.settings import Settings
from server.cli_uploads import copied, lie_beside, local_inputs

PICK = NodeInfo(
	kind='Pick',
	title='Pick',
	category='',
	inputs=(Input(name='image', type='COMBO', widget=Choice(files_from='input:image', upload=True)),),
)
NODES = {'Pick': PICK}


@pytest.fixture
def source(tmp_path: Path) -> Path:
	"""A file to copy, outside of the folder."""
	(tmp_path / 'elsewhere').mkdir()
	path = tmp_path / 'elsewhere' / 'a.png'
	path.write_bytes(b'mine')
	return path


def naming(image: Path | str) -> Workflow:
	"""A workflow that reads a file."""
	return read_workflow({'1': {'class_type': 'Pick', 'inputs': {'image': str(image)}}}, NODES)


class TestCopies:
	def test_it_is_whole(self, source: Path, tmp_path: Path) -> None:
		"""And alone: nothing half-written is left beside it. A second time, it is there already."""
		names = [copied(source, tmp_path / 'input') for _ in range(2)]

		assert names == ['a.png', 'a.png']
		assert [path.read_bytes() for path in (tmp_path / 'input').iterdir()] == [b'mine']

	@pytest.mark.parametrize(('theirs', 'name'), [(b'theirs', 'a (2).png'), (b'mine', 'a.png')])
	def test_another_run_was_quicker(
		self, theirs: bytes, name: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
	) -> None:
		"""What it put there while we copied stays, and is taken if it is the same."""
		folder, copy = tmp_path / 'input', shutil.copyfile

		def copy_late(path: Path, partial: Path) -> None:
			copy(path, partial)
			(folder / 'a.png').write_bytes(theirs)

		monkeypatch.setattr(shutil, 'copyfile', copy_late)

		assert copied(source, folder) == name
		assert (folder / 'a.png').read_bytes() == theirs
		assert (folder / name).read_bytes() == b'mine'
		assert sorted(path.name for path in folder.iterdir()) == sorted({'a.png', name})

	def test_long_names(self, source: Path, tmp_path: Path) -> None:
		"""Any that a file has; a number is put in the place of its last letters."""
		path = source.with_name('é' * 125 + 'a.png')
		(tmp_path / 'input').mkdir()
		(tmp_path / 'input' / path.name).write_bytes(b'theirs')
		path.write_bytes(b'mine')
		free = path.with_name('b' * 246 + '.png')
		free.write_bytes(b'mine')

		assert copied(path, tmp_path / 'input') == 'é' * 123 + ' (2).png'
		assert copied(free, tmp_path / 'input') == free.name

	def test_what_is_no_file_is_passed_over(self, source: Path, tmp_path: Path) -> None:
		"""A folder of the name, or a link to nowhere."""
		folder = tmp_path / 'input'
		(folder / 'a.png').mkdir(parents=True)
		(folder / 'a (2).png').symlink_to(tmp_path / 'gone.png')

		assert copied(source, folder) == 'a (3).png'
		assert not (tmp_path / 'gone.png').exists()

	def test_no_folder_can_be_made(self, source: Path) -> None:
		"""The file is named."""
		with pytest.raises(BadDocument, match='cannot be copied'):
			copied(source, source / 'input')


class TestWhatIsNamed:
	@pytest.mark.parametrize('name', ['id_rsa', 'notes.txt', 'a.json'])
	def test_only_media_leave_their_place(self, name: str, tmp_path: Path) -> None:
		"""A workflow of somebody else's that names a private file does not get it, neither here nor at a server."""
		settings, source = Settings(base=tmp_path / 'base'), str(tmp_path / 'w.json')
		for path in (tmp_path / name, tmp_path / 'a.png'):
			path.write_bytes(b'x')

		assert list(local_inputs(naming(tmp_path / name), NODES, settings, source)) == []
		assert lie_beside(naming(name), NODES, settings, source) == {}
		assert list(local_inputs(naming('a.png'), NODES, settings, source)) == [('1.image', tmp_path / 'a.png')]
