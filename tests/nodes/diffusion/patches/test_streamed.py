"""Patches of models for which there is not room enough: changed block by block, each time that they are needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.errors import PatchMismatch
from engine.models import FileDigest, Load, Loaders, ModelRef
from engine.modelstore import ModelStore
from nodes import load as loading
from nodes.diffusion.checkpoint import load_denoiser
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.patches.recipes import LoraPatch, MergePatch
from nodes.values import DiffusionModel, ModelInputs, TextEncoder
from tests import tiny
from tests.nodes.diffusion.patches.conftest import noise

BASE, OTHER, LORA = FileDigest('base'), FileDigest('other'), FileDigest('lora')
MODEL = ModelRef[DiffusionModel](BASE, 'denoiser')
SECOND = ModelRef[DiffusionModel](OTHER, 'denoiser')
PATCHED = MODEL.patched(LoraPatch(LORA, 0.7))


class Shelf:
	"""A checkpoint, another one, and a LoRA of attention layers and of one outside of all blocks."""

	def __init__(self, folder: Path) -> None:
		self.paths = {name: folder / f'{name}.safetensors' for name in (BASE, OTHER, LORA)}
		tiny.save_checkpoint(self.paths[BASE])
		tiny.save_checkpoint(self.paths[OTHER], seed=1)
		self.whole = load_denoiser(Load((self.paths[BASE],), 'denoiser'))
		lora: dict[str, Tensor] = {}
		for name, weight in self.whole.network.module.named_parameters():
			if weight.dim() == 2 and ('attn' in name or name.startswith('time_embedding.linear_1')):
				layer = f'unet.{name.removesuffix(".weight")}'
				lora[f'{layer}.lora_B.weight'] = noise(len(weight), 1)
				lora[f'{layer}.lora_A.weight'] = noise(1, weight.shape[1], seed=2)
		save_file(lora, self.paths[LORA])

	def store(self, budget: int) -> ModelStore:
		"""A store with so much room."""
		loaders = Loaders()
		loading.add_loaders(loaders)
		return ModelStore(loaders, self.paths.__getitem__, budget=budget)


@pytest.fixture(scope='module')
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
	"""The files, which no test changes."""
	return Shelf(tmp_path_factory.mktemp('streamed'))


def denoised(store: ModelStore, ref: ModelRef[DiffusionModel]) -> Tensor:
	"""What a model of the store makes of a latent."""
	with store.use(ref) as model:
		return model.denoise(noise(1, 4, 8, 8), torch.tensor([3.0]), ModelInputs(noise(1, 77, tiny.WIDTH)))


class TestRoom:
	@pytest.mark.parametrize('dtype', ['auto', 'bfloat16', 'fp8_e4m3fn'])
	@pytest.mark.parametrize('share', [0.6, 0.8, 1.1])
	def test_a_lora_needs_no_room_for_a_second_model(self, share: float, dtype: str, shelf: Shelf) -> None:
		"""On a base that is streamed, and on one that is whole with little room beside; the result is the same."""
		ref = ModelRef[DiffusionModel](BASE, 'denoiser', dtype).patched(LoraPatch(LORA, 0.7))
		nbytes = load_denoiser(Load((shelf.paths[BASE],), 'denoiser', dtype)).nbytes
		store = shelf.store(int(nbytes * share))

		assert torch.equal(denoised(store, ref), denoised(shelf.store(10 * nbytes), ref))
		assert sum(resident.nbytes for resident in store.residents()) <= nbytes * share

	def test_the_base_is_as_before(self, shelf: Shelf) -> None:
		"""While its patched set is there as well."""
		store = shelf.store(int(shelf.whole.nbytes * 0.8))
		before = denoised(store, MODEL)
		patched = denoised(store, PATCHED)

		assert not torch.equal(patched, before)
		assert torch.equal(denoised(store, MODEL), before)
		assert torch.equal(denoised(store, PATCHED), patched)

	def test_two_loras_on_one_base(self, shelf: Shelf) -> None:
		"""Leased at the same time by two jobs; each computes with its own."""
		store, roomy = shelf.store(int(shelf.whole.nbytes * 1.3)), shelf.store(shelf.whole.nbytes * 10)
		stronger = MODEL.patched(LoraPatch(LORA, 2.0))
		with store.use(PATCHED), store.use(stronger):
			assert torch.equal(denoised(store, PATCHED), denoised(roomy, PATCHED))
			assert torch.equal(denoised(store, stronger), denoised(roomy, stronger))

	def test_text_encoders(self, shelf: Shelf) -> None:
		"""A file without layers for them costs nothing."""
		ref = ModelRef[TextEncoder](BASE, 'text')
		with shelf.store(2**30).use(ref) as whole:
			store = shelf.store(whole.nbytes)
			said = whole.encode('a cat').prompts[0].embedding
		with store.use(ref.patched(LoraPatch(LORA, 1.0))) as patched:
			assert torch.equal(patched.encode('a cat').prompts[0].embedding, said)

	@pytest.mark.parametrize('share', [0.8, 1.2, 1.7, 2.7])
	@pytest.mark.parametrize(
		'patch',
		[
			MergePatch(SECOND, 0.5, 0.5),
			MergePatch(SECOND, 1.0, 0.0, (('middle', 0.3, 0.7),)),
			MergePatch(SECOND.patched(LoraPatch(LORA, 0.7)), 0.25, 0.75),
			MergePatch(SECOND.patched(MergePatch(MODEL, 2.0, -1.0)), 0.25, 0.75),
		],
		ids=['mean', 'a block', 'with a LoRA', 'of a merge'],
	)
	def test_merges(self, patch: MergePatch, share: float, shelf: Shelf) -> None:
		"""Each block is merged when it is needed, the other model's weights read for it; bit for bit as when all is there."""
		merged = MODEL.patched(patch)
		store = shelf.store(int(shelf.whole.nbytes * share))
		streamed = denoised(store, merged)

		assert torch.equal(streamed, denoised(shelf.store(shelf.whole.nbytes * 10), merged))
		assert torch.equal(denoised(store, merged), streamed)
		assert sum(resident.nbytes for resident in store.residents()) <= shelf.whole.nbytes * share

	def test_merges_of_coded_weights(self, shelf: Shelf) -> None:
		"""Of fp8 weights as well."""
		small = ModelRef[DiffusionModel](BASE, 'denoiser', 'fp8_e4m3fn').patched(
			MergePatch(replace(SECOND, dtype='fp8_e4m3fn'), 0.5, 0.5)
		)
		whole = denoised(shelf.store(shelf.whole.nbytes * 10), small)

		assert torch.equal(denoised(shelf.store(int(shelf.whole.nbytes * 0.8)), small), whole)

	def test_merges_of_text_encoders(self, shelf: Shelf) -> None:
		"""As of denoisers."""
		ref = ModelRef[TextEncoder](BASE, 'text')
		merged = ref.patched(MergePatch(ModelRef[TextEncoder](OTHER, 'text'), 0.5, 0.5))
		with shelf.store(2**30).use(merged) as whole:
			said, nbytes = whole.encode('a cat').prompts[0].embedding, whole.nbytes
		with shelf.store(int(nbytes * 1.98)).use(merged) as streamed:
			assert torch.equal(streamed.encode('a cat').prompts[0].embedding, said)

	def test_merges_of_unlike_models(self, shelf: Shelf) -> None:
		"""They are refused as they are when there is room."""
		merged = MODEL.patched(MergePatch(ModelRef[DiffusionModel](OTHER, 'text'), 0.5, 0.5))
		with pytest.raises(PatchMismatch, match='that has none'):
			denoised(shelf.store(int(shelf.whole.nbytes * 0.8)), merged)


class TestSize:
	def test_is_told_beforehand(self, shelf: Shelf) -> None:
		"""By the headers alone; room is made before anything is changed."""
		load = Load((), 'denoiser', finder=shelf.paths.__getitem__)
		size = shelf.whole.patched_size(PATCHED.weight_patches, load)
		patched = shelf.whole.patched(PATCHED.weight_patches, load)

		assert isinstance(patched, Denoiser)
		assert size.nbytes == patched.nbytes
		assert 0 < size.least < size.nbytes
