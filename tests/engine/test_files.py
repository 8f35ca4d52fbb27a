import json
import os
import threading
from pathlib import Path

import pytest
from PIL import Image
from pydantic import JsonValue

from engine.errors import BadName, EngineError, FileMissing
from engine.events import SavedFile
from engine.files import Files, annotated, media_type, next_number, preview_prefix
from engine.settings import Settings

METADATA: dict[str, JsonValue] = {'prompt': {'1': {'text': 'Grüße — 你好'}}, 'workflow': [1, None, 'x']}
PICTURE = Image.new('RGB', (6, 4), (255, 0, 0))


@pytest.fixture
def files(tmp_path: Path) -> Files:
	"""Three roots that do not exist yet."""
	return Files(Settings(base=tmp_path))


def listed(folder: Path) -> list[str]:
	"""Every file below a folder, hidden ones too."""
	return sorted(path.relative_to(folder).as_posix() for path in folder.rglob('*') if path.is_file())


class TestPaths:
	@pytest.mark.parametrize(
		'name', ['a.png', 'sub/a.png', 'sub/../a.png', './a.png', '...', 'a..b', '~', ' ', 'ü.png']
	)
	def test_names_within(self, files: Files, name: str) -> None:
		"""A name may have folders, and dots that lead nowhere else."""
		assert files.path(name, 'output').is_relative_to(files.root('output'))

	@pytest.mark.parametrize(
		'name',
		[
			'..',
			'../a.png',
			'sub/../../a.png',
			'/etc/passwd',
			'..\\a.png',
			'sub\\..\\..\\a.png',
			'a\0.png',
			'\0',
			'\ud800',
		],
	)
	def test_names_that_leave(self, files: Files, name: str) -> None:
		"""Dots, absolute paths and backslashes lead nowhere else, and no system call sees a NUL."""
		with pytest.raises(BadName):
			files.path(name, 'output')

	@pytest.mark.parametrize('subfolder', ['..', '../output2', '/tmp', '..\\..', 'a\0'])
	def test_subfolders_that_leave(self, files: Files, subfolder: str) -> None:
		"""A subfolder is held to the same rule."""
		with pytest.raises(BadName):
			files.path('a.png', 'output', subfolder)

	def test_a_neighbour_with_a_longer_name(self, files: Files) -> None:
		"""`output2` is not within `output`."""
		with pytest.raises(BadName):
			files.path('../output2/a.png', 'output')

	def test_backslashes_are_separators(self, files: Files) -> None:
		"""A name from Windows means the same file."""
		assert files.path('sub\\a.png', 'input') == files.path('sub/a.png', 'input')

	def test_a_link_out_of_the_root(self, files: Files, tmp_path: Path) -> None:
		"""A symbolic link within the root does not make what it leads to part of the root."""
		(tmp_path / 'secret').mkdir()
		(tmp_path / 'secret' / 'a.png').touch()
		files.root('input').mkdir()
		(files.root('input') / 'way').symlink_to(tmp_path / 'secret')
		(files.root('input') / 'b.png').symlink_to(tmp_path / 'secret' / 'a.png')

		for name in ('way/a.png', 'b.png'):
			with pytest.raises(BadName):
				files.find(name)

	def test_links_in_a_circle(self, files: Files) -> None:
		"""A name that never arrives is none."""
		files.root('input').mkdir()
		(files.root('input') / 'a').symlink_to(files.root('input') / 'b')
		(files.root('input') / 'b').symlink_to(files.root('input') / 'a')

		with pytest.raises(BadName):
			files.path('a/c.png', 'input')

	def test_a_root_that_is_itself_a_link(self, tmp_path: Path) -> None:
		"""The root may lie elsewhere; what is in it is within."""
		(tmp_path / 'big').mkdir()
		(tmp_path / 'output').symlink_to(tmp_path / 'big')
		files = Files(Settings(base=tmp_path))
		saved = files.save_image(PICTURE, 'a')

		assert saved == SavedFile(filename='a_00001_.png', subfolder='', type='output')
		assert files.saved(saved).is_file()


class TestFind:
	@pytest.mark.parametrize(
		('name', 'split'),
		[
			('a.png', ('a.png', 'input')),
			('a.png [output]', ('a.png', 'output')),
			('sub/a b.png [temp]', ('sub/a b.png', 'temp')),
			('a.png [input]', ('a.png', 'input')),
			('a.png[output]', ('a.png[output]', 'input')),
			('a.png [models]', ('a.png [models]', 'input')),
			('a [temp] [output]', ('a [temp]', 'output')),
			(' [output]', ('', 'output')),
		],
	)
	def test_a_name_may_say_its_root(self, name: str, split: tuple[str, str]) -> None:
		"""`name [folder]` with one blank and a known folder."""
		assert annotated(name) == split

	def test_a_file_is_found_where_its_name_says(self, files: Files) -> None:
		"""In the input folder unless the name or the caller says otherwise."""
		path = files.path('sub/a.png', 'temp')
		path.parent.mkdir(parents=True)
		path.touch()

		assert files.find('sub/a.png [temp]') == path
		assert files.find('sub/a.png', 'temp') == path

	@pytest.mark.parametrize('name', ['a.png', 'a.png [output]', '', 'sub', 'x' * 5000, ('x' * 300 + '/') * 20])
	def test_what_is_not_there(self, files: Files, name: str) -> None:
		"""A missing file, a folder, and a name too long for any file are told with name and folder."""
		files.path('sub', 'input').mkdir(parents=True)
		with pytest.raises(FileMissing) as caught:
			files.find(name)
		assert caught.value.name == annotated(name)[0]

	def test_names_are_listed_sorted(self, files: Files) -> None:
		"""With their folders, without hidden files, all or those of one type."""
		for name in ('b.png', 'a.JPG', 'sub/c.webp', 'clip.mp4', 'notes.txt', '.hidden.png'):
			path = files.path(name, 'input')
			path.parent.mkdir(parents=True, exist_ok=True)
			path.touch()

		assert files.names('input') == ('a.JPG', 'b.png', 'clip.mp4', 'notes.txt', 'sub/c.webp')
		assert files.names('input', 'image') == ('a.JPG', 'b.png', 'sub/c.webp')
		assert files.names('input', 'video') == ('clip.mp4',)
		assert files.names('output') == ()

	def test_a_name_that_no_message_can_carry_is_not_listed(self, files: Files) -> None:
		"""A file named in an old encoding does not break the list of the others."""
		files.root('input').mkdir()
		(files.root('input') / 'a.png').touch()
		Path(os.fsdecode(os.fsencode(files.root('input')) + b'/caf\xe9.png')).touch()

		assert files.names('input') == ('a.png',)

	@pytest.mark.parametrize(('name', 'type'), [('a.png', 'image'), ('a.WEBM', 'video'), ('a.wav', 'audio'), ('a', '')])
	def test_types_go_by_ending(self, name: str, type: str) -> None:
		"""The ending tells, in any case; without one nothing is known."""
		assert media_type(name) == type


class TestNumbers:
	def test_they_count_up(self, files: Files) -> None:
		"""Each picture of a prefix gets one more than the highest number there."""
		names = [files.save_image(PICTURE, 'a').filename for _ in range(3)]
		files.path('a_00002_.png', 'output').unlink()

		assert names == ['a_00001_.png', 'a_00002_.png', 'a_00003_.png']
		assert files.save_image(PICTURE, 'a').filename == 'a_00004_.png'
		assert files.save_image(PICTURE, 'b').filename == 'b_00001_.png'

	def test_they_have_five_digits_or_more(self, files: Files) -> None:
		"""After 99,999 the names grow."""
		files.root('output').mkdir()
		(files.root('output') / 'a_99999_.png').touch()

		assert files.save_image(PICTURE, 'a').filename == 'a_100000_.png'

	def test_other_names_do_not_count(self, tmp_path: Path) -> None:
		"""Only the same prefix with a number does, whatever follows the number; nothing in it is a pattern."""
		for name in ('a_00007_.png', 'a_00009_b.jpg', 'ab_00090_.png', 'a_x.png', 'a.b_00080_.png', 'a_b_00070_.png'):
			(tmp_path / name).touch()

		assert next_number(tmp_path / 'a') == 10
		assert next_number(tmp_path / 'a.') == 1

	def test_two_writers_at_once(self, files: Files) -> None:
		"""Threads that save together get different numbers, and every picture is whole."""
		start, saved = threading.Barrier(4), list[SavedFile]()

		def save() -> None:
			picture = PICTURE.copy()  # Pillow keeps state on a picture while it saves: one is not for two threads.
			start.wait(30)
			saved.extend(files.save_image(picture, 'a') for _ in range(5))

		threads = [threading.Thread(target=save) for _ in range(4)]
		for thread in threads:
			thread.start()
		for thread in threads:
			thread.join(60)

		assert sorted(file.filename for file in saved) == [f'a_{number:05}_.png' for number in range(1, 21)]
		assert listed(files.root('output')) == sorted(file.filename for file in saved)
		for file in saved:
			with Image.open(files.saved(file)) as picture:
				assert picture.size == (6, 4)


class TestPrefixes:
	def test_a_prefix_may_hold_folders(self, files: Files) -> None:
		"""They are made, and told beside the name."""
		saved = files.save_image(PICTURE, 'one/two/a', folder='temp')

		assert saved == SavedFile(filename='a_00001_.png', subfolder='one/two', type='temp')
		assert files.saved(saved).is_file()

	@pytest.mark.parametrize('prefix', ['../a', '/tmp/a', '..', 'a\0', 'x/../../a', '..\\a', '', '.', 'sub/..'])
	def test_a_prefix_cannot_leave(self, files: Files, prefix: str) -> None:
		"""Nor be the root itself; nothing is written then."""
		with pytest.raises(BadName):
			files.save_image(PICTURE, prefix)
		assert not files.root('output').exists()

	def test_placeholders_are_filled_when_saving(self, files: Files) -> None:
		"""From the picture that is saved."""
		assert files.save_image(PICTURE, '%width%/%height%', index=3).subfolder == '6'

	def test_preview_prefixes_differ(self) -> None:
		"""Two previews do not share a counter."""
		names = {preview_prefix() for _ in range(20)}

		assert len(names) > 1
		assert all(name.startswith('preview_temp_') and len(name) == 18 for name in names)


class TestMetadata:
	def chunks(self, files: Files, saved: SavedFile) -> dict[str, str]:
		with Image.open(files.saved(saved)) as picture:
			picture.load()
			return {str(key): str(value) for key, value in picture.info.items()}

	def test_it_becomes_text_chunks(self, files: Files) -> None:
		"""Each key is a chunk of JSON, in any script."""
		chunks = self.chunks(files, files.save_image(PICTURE, 'a', metadata=METADATA))

		assert {key: json.loads(text) for key, text in chunks.items()} == METADATA

	@pytest.mark.parametrize('name', ['', 'Ω', 'x' * 80, 'nul\0'])
	def test_a_name_that_png_cannot_hold_is_left_out(self, files: Files, name: str) -> None:
		"""The picture is saved all the same, with the entries that can be named."""
		chunks = self.chunks(files, files.save_image(PICTURE, 'a', metadata={name: 1, 'kept': 2}))

		assert chunks == {'kept': '2'}

	def test_it_can_be_left_out(self, tmp_path: Path) -> None:
		"""A setting keeps pictures free of it."""
		files = Files(Settings(base=tmp_path, metadata=False))

		assert self.chunks(files, files.save_image(PICTURE, 'a', metadata=METADATA)) == {}

	def test_pixels_are_kept(self, files: Files) -> None:
		"""What was saved is what was made."""
		picture = Image.effect_noise((16, 16), 50).convert('RGB')
		with Image.open(files.saved(files.save_image(picture, 'a'))) as again:
			assert again.tobytes() == picture.tobytes()


class TestHalfWritten:
	def test_a_failing_save_leaves_nothing(self, files: Files) -> None:
		"""A picture that cannot be written leaves neither a file nor a number taken."""
		with pytest.raises(OSError, match='cannot write mode'):
			files.save_image(Image.new('HSV', (4, 4)), 'a')

		assert listed(files.root('output')) == []
		assert files.save_image(PICTURE, 'a').filename == 'a_00001_.png'

	def test_nobody_sees_an_unfinished_picture(self, files: Files) -> None:
		"""While pictures are saved, every file that is listed can be opened."""
		picture, done = Image.effect_noise((256, 256), 90), threading.Event()

		def save() -> None:
			for _ in range(10):
				files.save_image(picture, 'a')
			done.set()

		thread = threading.Thread(target=save)
		thread.start()
		opened = set()
		while not done.is_set():
			for name in files.names('output'):
				if name not in opened:
					with Image.open(files.path(name, 'output')) as found:
						found.load()
					opened.add(name)
		thread.join(60)

		assert listed(files.root('output')) == [f'a_{number:05}_.png' for number in range(1, 11)]

	def test_a_file_system_without_hard_links(self, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
		"""There pictures are renamed into place, and numbers that are taken are passed over."""

		def refuse(self: Path, target: Path) -> None:
			if self.exists():
				raise FileExistsError
			raise PermissionError('no hard links here')

		monkeypatch.setattr(Path, 'hardlink_to', refuse)
		names = [files.save_image(PICTURE, 'a').filename for _ in range(2)]

		assert names == ['a_00001_.png', 'a_00002_.png']
		assert listed(files.root('output')) == names


class TestTemp:
	def test_it_can_be_emptied(self, files: Files) -> None:
		"""Previews go, pictures stay, and a second time is no error."""
		files.save_image(PICTURE, 'a', folder='temp')
		kept = files.save_image(PICTURE, 'a')
		files.empty_temp()
		files.empty_temp()

		assert files.names('temp') == ()
		assert files.saved(kept).is_file()

	def test_somebodys_own_folder_is_left_alone(self, files: Files) -> None:
		"""A folder that happens to be called temp, and was there before, keeps what is in it."""
		own = files.root('temp')
		own.mkdir(parents=True)
		(own / 'thesis.txt').write_text('years of work')
		files.save_image(PICTURE, 'a', folder='temp')
		files.empty_temp()

		assert (own / 'thesis.txt').is_file()

	def test_a_saved_file_cannot_name_another(self, files: Files) -> None:
		"""What comes back from a client is held to the same rule."""
		with pytest.raises(EngineError):
			files.saved(SavedFile(filename='../../a', subfolder='x', type='temp'))
