"""Bundles: whole, and what they say they are."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.store.bundle import (
	DATABASE,
	MANIFEST,
	BadBundle,
	CannotExport,
	Manifest,
	Part,
	Picture,
	new_bundle,
	open_bundle,
	part_of,
	same,
)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
	"""A database and a picture, as far as bundles know."""
	database, picture = tmp_path / 'x.db', tmp_path / 'x.png'
	database.write_bytes(b'database' * 100_000)
	picture.write_bytes(b'picture' * 500_000)
	return database, picture


def written(target: Path, files: tuple[Path, Path]) -> Path:
	"""A bundle of both; the picture has two names."""
	database, picture = files
	part = part_of(picture)
	pictures = [
		Picture(filename=name, subfolder='', root='output', size=part.size, sha256=part.sha256)
		for name in ('../a.png', 'b\\c.png')
	]
	with new_bundle(target) as bundle:
		for one in pictures:
			bundle.add(one.part, picture)
		bundle.add(DATABASE, database)
		bundle.finish(Manifest(made=1.5, revision='0001', database=part_of(database), pictures=tuple(pictures)))
	return target


@pytest.fixture(params=['jobs.zip', 'jobs.ZIP', 'jobs'])
def bundle(request: pytest.FixtureRequest, tmp_path: Path, files: tuple[Path, Path]) -> Path:
	"""A bundle, as a ZIP file and as a folder."""
	return written(tmp_path / request.param, files)


def changed(path: Path, change: dict[str, bytes | None]) -> Path:
	"""A bundle with some parts replaced, or taken away."""
	if path.is_dir():
		for name, content in change.items():
			(path / name).unlink() if content is None else (path / name).write_bytes(content)
		return path
	with zipfile.ZipFile(path) as file:
		parts: dict[str, bytes | None] = {name: file.read(name) for name in file.namelist()}
	with zipfile.ZipFile(path, 'w') as file:
		for name, content in {**parts, **change}.items():
			if content is not None:
				file.writestr(name, content)
	return path


def picture_of(path: Path) -> Picture:
	"""Its picture."""
	with open_bundle(path) as bundle:
		return bundle.manifest.pictures[0]


class TestWrite:
	"""A bundle is written."""

	def test_what_went_in_comes_out(self, bundle: Path, files: tuple[Path, Path]) -> None:
		"""Every part, and the manifest; equal pictures are there once."""
		with open_bundle(bundle) as found:
			found.verify()
			copy = io.BytesIO()
			found.copy(found.manifest.pictures[0].part, found.manifest.pictures[0], copy)
			names = [picture.filename for picture in found.manifest.pictures]

		assert names == ['../a.png', 'b\\c.png']
		assert copy.getvalue() == files[1].read_bytes()
		if bundle.is_file():
			with zipfile.ZipFile(bundle) as file:
				assert len(file.namelist()) == 3

	def test_is_a_folder_or_a_file(self, bundle: Path) -> None:
		"""By its name."""
		assert bundle.is_file() is (bundle.suffix.lower() == '.zip')

	def test_nothing_is_written_over(self, bundle: Path, files: tuple[Path, Path]) -> None:
		"""What is there is left as it is."""
		before = sorted(path.name for path in bundle.parent.iterdir())
		with pytest.raises(CannotExport, match='there already'):
			written(bundle, files)

		assert sorted(path.name for path in bundle.parent.iterdir()) == before

	@pytest.mark.parametrize('name', ['jobs.zip', 'jobs'])
	def test_nothing_half_is_left(self, tmp_path: Path, name: str, files: tuple[Path, Path]) -> None:
		"""If it is broken off."""

		def break_off() -> None:
			with new_bundle(tmp_path / 'new' / name) as bundle:
				bundle.add(DATABASE, files[0])
				raise KeyboardInterrupt

		with pytest.raises(KeyboardInterrupt):
			break_off()

		assert list((tmp_path / 'new').iterdir()) == []

	def test_a_place_that_cannot_be_written(self, tmp_path: Path, files: tuple[Path, Path]) -> None:
		"""Is told in one sentence."""
		with pytest.raises(CannotExport, match=r'cannot be written'):
			written(files[0] / 'jobs.zip', files)


class TestRead:
	"""A bundle is looked at before anything of it is believed."""

	@pytest.mark.parametrize('name', [DATABASE, 'picture', MANIFEST])
	def test_a_part_that_is_missing(self, bundle: Path, name: str) -> None:
		"""Is named."""
		part = picture_of(bundle).part if name == 'picture' else name
		changed(bundle, {part: None})
		with pytest.raises(BadBundle, match=f'has no {part}'), open_bundle(bundle) as found:
			found.verify()

	@pytest.mark.parametrize('content', [b'', b'short', b'x' * 800_000, b'database' * 100_001])
	def test_a_part_that_is_another(self, bundle: Path, content: bytes) -> None:
		"""Shorter, longer, or other bytes."""
		changed(bundle, {DATABASE: content})
		with open_bundle(bundle) as found, pytest.raises(BadBundle, match='not what was exported'):
			found.verify()

	def test_a_part_that_grows_without_end(self, bundle: Path) -> None:
		"""It is not read further than the manifest says."""
		changed(bundle, {DATABASE: bytes(2**28)})
		read = io.BytesIO()
		with open_bundle(bundle) as found, pytest.raises(BadBundle):
			found.copy(DATABASE, found.manifest.database, read)

		assert len(read.getvalue()) == 800_001

	@pytest.mark.parametrize(
		('manifest', 'reason'),
		[
			(b'', 'not JSON'),
			(b'[]', 'is none'),
			(b'{"format": 1}', 'is none'),
			(b'{"format": 0}', 'is none'),
			(b'{"format": 2, "what": "ever"}', r'newer version .*format 2'),
			(b'\xff', 'not JSON'),
		],
	)
	def test_bad_manifests(self, bundle: Path, manifest: bytes, reason: str) -> None:
		"""A newer format is told apart from rubbish."""
		changed(bundle, {MANIFEST: manifest})
		with pytest.raises(BadBundle, match=reason), open_bundle(bundle):
			pass

	@pytest.mark.parametrize('root', ['temp', 'models', '..'])
	def test_pictures_of_other_folders(self, bundle: Path, root: str) -> None:
		"""Only those of input and output can come."""
		with open_bundle(bundle) as found:
			document = found.manifest.model_dump()
		document['pictures'][0]['root'] = root
		changed(bundle, {MANIFEST: json.dumps(document).encode()})
		with pytest.raises(BadBundle, match='is none'), open_bundle(bundle):
			pass

	def test_no_bundle(self, tmp_path: Path) -> None:
		"""Nothing, an empty folder, a file of something else."""
		(tmp_path / 'empty').mkdir()
		(tmp_path / 'text.zip').write_text('text')
		for name, reason in (('nothing', 'No such file'), ('empty', 'manifest'), ('text.zip', 'neither')):
			with pytest.raises(BadBundle, match=reason), open_bundle(tmp_path / name):
				pass

	def test_a_damaged_file(self, tmp_path: Path, files: tuple[Path, Path]) -> None:
		"""Wherever a byte is another, it is found before the end."""
		path = written(tmp_path / 'jobs.zip', files)
		whole = path.read_bytes()
		for place in range(0, len(whole), len(whole) // 40):
			path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
			try:
				with open_bundle(path) as bundle:
					bundle.verify()
			except BadBundle:
				continue

			# What was damaged is something that nobody reads.
			with open_bundle(path) as bundle:
				assert bundle.manifest.database == part_of(files[0])


class TestSame:
	"""Whether a file is a part."""

	def test_by_size_and_content(self, files: tuple[Path, Path], tmp_path: Path) -> None:
		"""A file that is gone is none."""
		part = part_of(files[0])

		assert same(files[0], part)
		assert not same(files[1], part)
		assert not same(files[0], Part(size=part.size, sha256='0' * 64))
		assert not same(tmp_path / 'nothing', part)
		assert not same(tmp_path, part)


@pytest.fixture(autouse=True)
def no_leftovers(tmp_path: Path) -> Iterator[None]:
	"""No test leaves a part of a bundle behind."""
	yield

	assert list(tmp_path.rglob('.*.part')) == []
