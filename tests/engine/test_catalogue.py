import json
import os
import shutil
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.catalogue import (
	FOLDERS,
	HEADER_BYTES,
	OLDER_NAMES,
	SAMPLE_BYTES,
	SAMPLES,
	SAVED,
	Catalogue,
	FileSet,
	sampled_digest,
)
from engine.errors import ModelNotFound
from engine.facts import FileMark, TensorMark
from engine.modelfile import read_shapes
from engine.models import FileDigest
from engine.settings import Settings

UNREADABLE = Path('/proc/self/mem')
"""A file that nobody can read from its start, whatever their rights."""


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
	"""Model folders that do not exist yet."""
	return Catalogue(Settings(base=tmp_path))


def put(catalogue: Catalogue, name: str, content: bytes = b'', kind: str = 'checkpoints') -> Path:
	"""A model file in the first place of its kind."""
	path = catalogue.places[kind][0] / name
	path.parent.mkdir(parents=True, exist_ok=True)
	path.write_bytes(content)
	return path


class TestNames:
	def test_they_are_sorted_and_relative(self, catalogue: Catalogue) -> None:
		"""Files of model formats, with their folders, in any case; nothing hidden, nothing else."""
		for name in ('b.safetensors', 'a.CKPT', 'sub/deep/c.gguf', 'notes.txt', '.hidden.pt', '.cache/d.pt', 'e.sft'):
			put(catalogue, name)

		assert catalogue.names('checkpoints') == ('a.CKPT', 'b.safetensors', 'e.sft', 'sub/deep/c.gguf')

	def test_folders_that_are_not_there(self, catalogue: Catalogue) -> None:
		"""An unknown kind, and a folder that nobody made, hold nothing."""
		assert catalogue.names('checkpoints') == ()
		assert catalogue.names('nothing') == ()

	def test_what_lies_behind_a_symbolic_link(self, catalogue: Catalogue, tmp_path: Path) -> None:
		"""Models are often kept on another disk."""
		(tmp_path / 'disk').mkdir()
		(tmp_path / 'disk' / 'a.pt').touch()
		put(catalogue, 'b.pt')
		(catalogue.places['checkpoints'][0] / 'more').symlink_to(tmp_path / 'disk')

		assert catalogue.names('checkpoints') == ('b.pt', 'more/a.pt')
		assert catalogue.path('checkpoints', 'more/a.pt').is_file()

	def test_a_link_that_leads_nowhere_is_not_listed(self, catalogue: Catalogue) -> None:
		"""Nor one to itself: the disk with the models is not there."""
		folder = put(catalogue, 'a.pt').parent
		(folder / 'b.pt').symlink_to(folder / 'gone.pt')
		(folder / 'c.pt').symlink_to(folder / 'c.pt')

		assert catalogue.names('checkpoints') == ('a.pt',)

	def test_a_name_that_no_message_can_carry_is_not_listed(self, catalogue: Catalogue) -> None:
		"""A file named in an old encoding does not break the list of the others."""
		folder = put(catalogue, 'a.pt').parent
		Path(os.fsdecode(os.fsencode(folder) + b'/caf\xe9.pt')).touch()

		assert catalogue.names('checkpoints') == ('a.pt',)

	def test_the_disk_is_read_at_each_question(self, catalogue: Catalogue) -> None:
		"""A model that was just downloaded is there."""
		put(catalogue, 'a.pt')
		assert catalogue.names('checkpoints') == ('a.pt',)
		put(catalogue, 'b.pt')

		assert catalogue.names('checkpoints') == ('a.pt', 'b.pt')


class TestPlaces:
	def test_every_kind_has_its_folder(self, catalogue: Catalogue, tmp_path: Path) -> None:
		"""Named like the kind, below the models folder; some have older names besides, or one where nodes save."""
		assert catalogue.places == {
			kind: (
				*(tmp_path / 'models' / name for name in (kind, *OLDER_NAMES.get(kind, ()))),
				*(tmp_path / 'output' / name for of, name in SAVED.items() if of == kind),
			)
			for kind in FOLDERS
		}
		assert catalogue.places['diffusion_models'][1] == tmp_path / 'models' / 'unet'

	def test_extra_folders(self, tmp_path: Path) -> None:
		"""Those of the settings come after the program's own, or before them."""
		settings = Settings(
			base=tmp_path,
			extra_models={'vae': (Path('/first'), Path('/other')), 'mine': (Path('/mine'),)},
			first_models={'vae': (Path('/first'),)},
		)
		places = Catalogue(settings).places

		assert places['vae'] == (
			Path('/first'),
			tmp_path / 'models' / 'vae',
			Path('/other'),
			tmp_path / 'output' / 'vae',
		)
		assert places['mine'] == (Path('/mine'),)

	def test_places_can_be_added(self, catalogue: Catalogue, tmp_path: Path) -> None:
		"""The first place wins for a name that both hold; a place is added once; a kind may be new."""
		first = put(catalogue, 'both.pt', b'first')
		(tmp_path / 'more').mkdir()
		(tmp_path / 'more' / 'both.pt').write_bytes(b'second')
		(tmp_path / 'more' / 'own.pt').touch()
		for _ in range(2):
			catalogue.add('checkpoints', tmp_path / 'more')
			catalogue.add('tokenizers', tmp_path / 'more')

		assert catalogue.names('checkpoints') == ('both.pt', 'own.pt')
		assert catalogue.path('checkpoints', 'both.pt') == first
		assert catalogue.path('checkpoints', 'own.pt') == tmp_path / 'more' / 'own.pt'
		assert catalogue.places['checkpoints'] == (first.parent, tmp_path / 'output' / 'checkpoints', tmp_path / 'more')
		assert catalogue.names('tokenizers') == ('both.pt', 'own.pt')


class TestPath:
	@pytest.mark.parametrize(
		'name', ['../secret.pt', 'sub/../../secret.pt', '..\\secret.pt', '', '.', 'a\0.pt', 'x' * 5000]
	)
	def test_a_name_cannot_leave(self, catalogue: Catalogue, tmp_path: Path, name: str) -> None:
		"""What would leave, is a folder, or can be no name is not found."""
		put(catalogue, 'sub/a.pt')
		(catalogue.places['checkpoints'][0].parent / 'secret.pt').touch()
		with pytest.raises(ModelNotFound):
			catalogue.path('checkpoints', name)

	def test_nor_be_absolute(self, catalogue: Catalogue) -> None:
		"""Even when the file is one of the kind's."""
		path = put(catalogue, 'a.pt')
		with pytest.raises(ModelNotFound):
			catalogue.path('checkpoints', str(path))

	def test_backslashes_are_separators(self, catalogue: Catalogue) -> None:
		"""A workflow from Windows finds its models."""
		path = put(catalogue, 'sub/a.pt')

		assert catalogue.path('checkpoints', 'sub\\a.pt') == path

	def test_what_is_missing_tells_where_it_was_looked_for(self, catalogue: Catalogue, tmp_path: Path) -> None:
		"""Name, kind and every place."""
		catalogue.add('vae', tmp_path / 'more')
		with pytest.raises(ModelNotFound, match=r"'x\.pt' under vae\. Looked in: .*/models/vae, .*/more\.") as caught:
			catalogue.path('vae', 'x.pt')
		assert (caught.value.name, caught.value.folder) == ('x.pt', 'vae')


class TestSets:
	"""Files that are chosen together, by a name of their own."""

	@pytest.fixture
	def pairs(self, catalogue: Catalogue) -> Catalogue:
		"""Two halves in one folder are a choice in another."""
		catalogue.add_set('vae', 'pair', FileSet('vae_approx', ('pair_b', 'pair_a')))
		return catalogue

	def test_a_whole_one_can_be_chosen(self, pairs: Catalogue) -> None:
		"""Whatever the endings; it comes after the files, is none of them, and its files are in its own order."""
		first, second = (put(pairs, name, kind='vae_approx') for name in ('pair_b.safetensors', 'pair_a.pth'))
		put(pairs, 'z.safetensors', kind='vae')

		assert pairs.choices('vae') == ('z.safetensors', 'pair')
		assert pairs.names('vae') == ('z.safetensors',)
		assert pairs.paths('vae', 'pair') == (first, second)
		assert pairs.path('vae', 'pair') == first

	def test_one_that_lacks_a_file_is_none(self, pairs: Catalogue) -> None:
		"""Neither listed nor found, and told as missing."""
		put(pairs, 'pair_b.safetensors', kind='vae_approx')
		put(pairs, 'pair_a.txt', kind='vae_approx')

		assert pairs.choices('vae') == ()
		with pytest.raises(ModelNotFound):
			pairs.paths('vae', 'pair')

	def test_a_file_of_its_name_comes_first(self, pairs: Catalogue) -> None:
		"""A model folder or file that is called so is meant."""
		for name in ('pair_a.pt', 'pair_b.pt'):
			put(pairs, name, kind='vae_approx')
		own = put(pairs, 'pair', kind='vae')

		assert pairs.paths('vae', 'pair') == (own,)


class TestDigest:
	def test_it_names_the_content(self, catalogue: Catalogue) -> None:
		"""Equal contents have one digest wherever they lie; other contents have others."""
		first, same, other = (
			put(catalogue, 'a.pt', b'x' * 99),
			put(catalogue, 'b.pt', b'x' * 99),
			put(catalogue, 'c.pt', b'y'),
		)

		assert catalogue.digest(first) == catalogue.digest(same)
		assert catalogue.digest(first) != catalogue.digest(other)

	def test_it_follows_a_change(self, catalogue: Catalogue) -> None:
		"""A file written anew under the same name, even of the same length, is another model."""
		path = put(catalogue, 'a.pt', b'before')
		before = catalogue.digest(path)
		path.write_bytes(b'behind')
		os.utime(path, ns=(1, 1))

		assert catalogue.digest(path) != before

	def test_a_copy_is_the_same(self, catalogue: Catalogue) -> None:
		"""Its time does not enter."""
		path = put(catalogue, 'a.pt', b'x')
		before = catalogue.digest(path)
		os.utime(path, ns=(1, 1))

		assert catalogue.digest(path) == before

	def test_a_big_file_is_sampled(self, tmp_path: Path) -> None:
		"""A file of many gigabytes is named by its size, its head and samples up to its very end."""
		path, size = tmp_path / 'big.safetensors', 40 * 2**30
		with path.open('wb') as stream:
			stream.truncate(size)

		def with_byte(place: int) -> FileDigest:
			with path.open('r+b') as changed:
				changed.seek(place)
				changed.write(b'x')
				changed.flush()
				found = sampled_digest(path, size)
				changed.seek(place)
				changed.write(b'\0')
			return found

		step = (size - HEADER_BYTES - SAMPLE_BYTES) // (SAMPLES - 1)
		digests = [
			with_byte(place) for place in (0, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 5 * step + 9, size - 64)
		]

		assert len({sampled_digest(path, size), *digests}) == 6

		os.truncate(path, size + 1)
		assert sampled_digest(path, size + 1) not in digests

	def test_a_small_file_is_read_whole(self, tmp_path: Path) -> None:
		"""No byte of it can change unseen."""
		path, size = tmp_path / 'small.pt', HEADER_BYTES + SAMPLES * SAMPLE_BYTES
		digests = set()
		for place in (0, HEADER_BYTES + 5000, size - 1):
			content = bytearray(size)
			content[place] = 1
			path.write_bytes(content)
			digests.add(sampled_digest(path, size))

		assert len(digests) == 3


class TestFind:
	def test_a_file_is_found_by_its_content(self, catalogue: Catalogue) -> None:
		"""The recipe for a model outlives its file's name and place."""
		path = put(catalogue, 'a.pt', b'x')
		digest = catalogue.digest(path)
		assert catalogue.find(digest) == path
		path.rename(path.with_name('renamed.pt'))
		assert catalogue.find(digest).name == 'renamed.pt'
		moved = put(catalogue, 'sub/again.pt', b'', 'loras')
		shutil.move(path.with_name('renamed.pt'), moved)

		assert catalogue.find(digest) == moved

	def test_a_file_never_asked_for_is_found_too(self, catalogue: Catalogue, tmp_path: Path) -> None:
		"""The recipe may come from an earlier run of the program."""
		path = put(catalogue, 'a.pt', b'x')
		digest = Catalogue(Settings(base=tmp_path)).digest(path)

		assert catalogue.find(digest) == path

	def test_a_changed_file_is_not_it(self, catalogue: Catalogue) -> None:
		"""Another content under the old name is another model."""
		path = put(catalogue, 'a.pt', b'before')
		digest = catalogue.digest(path)
		path.write_bytes(b'another')
		with pytest.raises(ModelNotFound):
			catalogue.find(digest)

	def test_a_file_that_cannot_be_read_is_passed_over(self, catalogue: Catalogue, tmp_path: Path) -> None:
		"""It may be any other; the one that is looked for is found all the same."""
		path = put(catalogue, 'b.pt', b'x')
		path.with_name('a.pt').symlink_to(UNREADABLE)
		digest = Catalogue(Settings(base=tmp_path)).digest(path)

		assert catalogue.names('checkpoints') == ('a.pt', 'b.pt')
		with pytest.raises(OSError, match='Input/output'):
			catalogue.digest(path.with_name('a.pt'))
		assert catalogue.find(digest) == path

	def test_a_file_that_is_gone(self, catalogue: Catalogue) -> None:
		"""Its digest is told."""
		path = put(catalogue, 'a.pt', b'x')
		digest = catalogue.digest(path)
		path.unlink()
		with pytest.raises(ModelNotFound, match=digest):
			catalogue.find(digest)


class TestModelFolders:
	"""Folders in diffusers' layout: each is one model."""

	UNET = 'model/unet/diffusion_pytorch_model.safetensors'

	def write(self, catalogue: Catalogue, *tensors: str) -> Path:
		header = json.dumps({name: {'dtype': 'F16', 'shape': [0], 'data_offsets': [0, 0]} for name in tensors}).encode()
		put(catalogue, 'model/vae/diffusion_pytorch_model.safetensors', kind='diffusers')
		put(catalogue, self.UNET, struct.pack('<Q', len(header)) + header, kind='diffusers')
		return put(catalogue, 'model/model_index.json', b'{}', kind='diffusers').parent

	def test_a_folder_is_listed_as_one_model(self, catalogue: Catalogue) -> None:
		"""Not the files in it; those of a folder without an index are."""
		folder = self.write(catalogue)
		put(catalogue, 'other/a.safetensors', kind='diffusers')

		assert catalogue.names('diffusers') == ('model', 'other/a.safetensors')
		assert catalogue.path('diffusers', 'model') == folder
		with pytest.raises(ModelNotFound):
			catalogue.path('diffusers', 'other')

	def test_its_digest_is_of_all_its_files(self, catalogue: Catalogue) -> None:
		"""A changed config makes another model; one that comes back is found."""
		folder = self.write(catalogue)
		before = catalogue.digest(folder)

		assert catalogue.find(before) == folder

		(folder / 'vae' / 'config.json').write_text('{}')

		assert catalogue.digest(folder) != before
		with pytest.raises(ModelNotFound):
			catalogue.find(before)

	def test_its_facts_are_those_of_its_denoiser(self, catalogue: Catalogue) -> None:
		"""And its damage too."""
		catalogue.marks = [FileMark(title='One', tensors=(TensorMark(name='a'),), facts={'family': 'one'})]
		folder = self.write(catalogue, 'a')

		assert catalogue.facts(folder) == {'family': 'one'}
		assert catalogue.damage(folder) is None

		put(catalogue, self.UNET, kind='diffusers')

		assert catalogue.damage(folder) == 'it is empty'


class TestFacts:
	"""What headers tell, kept until a file changes."""

	MARKS = (
		FileMark(title='Two', tensors=(TensorMark(name='a'), TensorMark(name='b')), facts={'family': 'two'}),
		FileMark(title='One', tensors=(TensorMark(name='a'),), facts={'family': 'one'}),
	)

	def write(self, catalogue: Catalogue, *tensors: str) -> Path:
		header = json.dumps({name: {'dtype': 'F16', 'shape': [0], 'data_offsets': [0, 0]} for name in tensors}).encode()
		return put(catalogue, 'a.safetensors', struct.pack('<Q', len(header)) + header)

	def test_a_file_is_known_by_its_mark(self, catalogue: Catalogue) -> None:
		"""The first that fits; nothing is known of a file that fits none."""
		catalogue.marks = list(self.MARKS)

		assert catalogue.facts(self.write(catalogue, 'a')) == {'family': 'one'}
		assert catalogue.facts(self.write(catalogue, 'a', 'b')) == {'family': 'two'}
		assert catalogue.facts(self.write(catalogue, 'strange')) == {}

	def test_a_broken_file_tells_its_damage(self, catalogue: Catalogue) -> None:
		"""And no facts; a whole one has no damage."""
		catalogue.marks = list(self.MARKS)
		broken = put(catalogue, 'broken.pt', b'weights')
		told = catalogue.damage(broken)

		assert told is not None
		assert 'not a safetensors file' in told
		assert catalogue.facts(broken) == {}
		assert catalogue.damage(self.write(catalogue, 'a')) is None

	def test_the_header_is_read_once(self, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
		"""As long as the file's size and time stay, and until other marks come."""
		reads: list[Path] = []

		def counted(path: Path) -> Mapping[str, tuple[int, ...]]:
			reads.append(path)
			return read_shapes(path)

		monkeypatch.setattr('engine.catalogue.read_shapes', counted)
		path = self.write(catalogue, 'a')
		for _ in range(3):
			assert catalogue.damage(path) is None
			assert catalogue.facts(path) == {}

		assert len(reads) == 1

		catalogue.marks.extend(self.MARKS)

		assert catalogue.facts(path) == {'family': 'one'}
		assert catalogue.facts(path) == {'family': 'one'}
		assert len(reads) == 2

		os.utime(path, ns=(1, 1))
		catalogue.facts(path)

		assert len(reads) == 3

	def test_a_file_that_is_gone(self, catalogue: Catalogue) -> None:
		"""Is not found."""
		path = self.write(catalogue, 'a')
		path.unlink()

		with pytest.raises(ModelNotFound):
			catalogue.facts(path)
		with pytest.raises(ModelNotFound):
			catalogue.damage(path)
