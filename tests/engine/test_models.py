from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.cancel import CancelToken
from engine.codec import Codecs
from engine.errors import JobCancelled, ModelError, ModelNotFound
from engine.models import FileDigest, Load, Loaders, ModelRef, Phase, Setting, Use, WeightPatch


@dataclass(frozen=True)
class Add(WeightPatch):
	"""Names a file and how much of it is added."""

	file: FileDigest
	strength: float = 1.0

	def files(self) -> tuple[FileDigest, ...]:
		return (self.file,)


@dataclass(frozen=True)
class Louder(Setting):
	"""Wraps the model in a tuple with a number."""

	factor: float

	def apply(self, model: Any, use: Use) -> Any:
		return (self.factor, model)


REF = ModelRef[object](FileDigest('a'), 'unet')


class TestRefs:
	def test_a_ref_is_a_small_value(self) -> None:
		"""Equal recipes are equal keys, however they were typed; every field tells them apart."""
		others = {
			REF,
			ModelRef[str](FileDigest('a'), 'vae'),
			ModelRef[str](FileDigest('a'), 'unet', 'float16'),
			ModelRef[str](FileDigest('b'), 'unet'),
			ModelRef[str](FileDigest('a'), 'unet', more=(FileDigest('b'),)),
			ModelRef[str](FileDigest('a'), 'unet', option='flux'),
			REF.patched(Add(FileDigest('l'))),
			REF.patched(Add(FileDigest('l'), 0.5)),
		}

		assert ModelRef[object](FileDigest('a'), 'unet') == ModelRef(FileDigest('a'), 'unet')
		assert len(others) == 8

	def test_its_files(self) -> None:
		"""The first one first; those of patches are not among them."""
		ref = ModelRef[object](FileDigest('a'), 'text', more=(FileDigest('c'), FileDigest('b')))

		assert ref.patched(Add(FileDigest('l'))).files == ('a', 'c', 'b')

	def test_patches_come_at_the_end(self) -> None:
		"""Order counts, and a recipe is never changed."""
		first, second = Add(FileDigest('l')), Add(FileDigest('m'))

		assert REF.patched(first).patched(second) == REF.patched(first, second)
		assert REF.patched(first, second) != REF.patched(second, first)
		assert REF.patches == ()

	def test_settings_are_no_part_of_its_identity(self) -> None:
		"""Weights are known by the patches that change them, in their order."""
		first, second = Add(FileDigest('l')), Add(FileDigest('m'))
		ref = REF.patched(Louder(2), first, Louder(3), second)

		assert ref.identity == REF.patched(first, second)
		assert ref.settings == (Louder(2), Louder(3))
		assert ref.unpatched == REF
		assert REF.identity is REF

	def test_a_patched_recipe_can_be_cached(self) -> None:
		"""It comes back from its bytes as it was, with all its fields, once the patch's class is registered."""
		codecs = Codecs()
		ref = ModelRef[object](FileDigest('a'), 'text', 'float16', (FileDigest('b'),), 'flux')
		patched = ref.patched(Add(FileDigest('l'), 0.5), Louder(2.0))

		assert codecs.encode(patched) is None
		codecs.add_dataclass(Add, 'Add')
		codecs.add_dataclass(Louder, 'Louder')
		blob = codecs.encode(patched)
		assert blob is not None
		assert codecs.decode(blob.join()) == patched


class TestLoad:
	def test_it_tells_how_far_it_has_come(self) -> None:
		"""Each phase begins at nothing; bytes add up."""
		told: list[tuple[Phase, int, int]] = []
		load = Load((Path('a'),), 'unet', on_progress=lambda *step: told.append(step))
		load.phase('initialization')
		load.phase('loading_model', 10)
		load.advance(4)
		load.advance(6)

		assert told == [
			('initialization', 0, 0),
			('loading_model', 0, 10),
			('loading_model', 4, 10),
			('loading_model', 10, 10),
		]

	@pytest.mark.parametrize('step', [lambda load: load.phase('optimization'), lambda load: load.advance(1)])
	def test_each_step_may_be_the_last(self, step: Any) -> None:
		"""A cancelled load ends when it tells of a step."""
		cancel = CancelToken()
		load = Load((Path('a'),), 'unet', cancel=cancel)
		cancel.cancel()

		with pytest.raises(JobCancelled):
			step(load)

	def test_without_a_store(self) -> None:
		"""A load that is made by hand reads its own files only."""
		load = Load((Path('a'), Path('b')), 'unet')

		assert load.path == Path('a')
		with pytest.raises(ModelNotFound):
			load.find(FileDigest('l'))
		with pytest.raises(ModelError):
			load.use(REF)


class TestLoaders:
	def test_a_second_loader_of_a_part(self) -> None:
		"""Packs cannot take a part from each other."""
		loaders = Loaders()
		loaders.add('unet', lambda load: memoryview(b''))

		with pytest.raises(ModelError, match="'unet' already"):
			loaders.add('unet', lambda load: memoryview(b''))
