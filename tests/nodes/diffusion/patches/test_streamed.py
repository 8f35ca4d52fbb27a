"""Patches of models for which there is not room enough: changed block by block, each time that they are needed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.errors import OutOfDeviceMemory
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

	def test_merging_needs_both(self, shelf: Shelf) -> None:
		"""What cannot be changed block by block is refused for lack of room; with room, another one may be streamed."""
		merged = MODEL.patched(MergePatch(ModelRef[DiffusionModel](OTHER, 'denoiser'), 0.5, 0.5))
		with pytest.raises(OutOfDeviceMemory):
			denoised(shelf.store(int(shelf.whole.nbytes * 0.8)), merged)
		roomy = denoised(shelf.store(shelf.whole.nbytes * 10), merged)
		tight = shelf.store(int(shelf.whole.nbytes * 2.7))

		assert torch.equal(denoised(tight, merged), roomy)


class TestSize:
	def test_is_told_beforehand(self, shelf: Shelf) -> None:
		"""By the headers alone; room is made before anything is changed."""
		load = Load((), 'denoiser', finder=shelf.paths.__getitem__)
		size = shelf.whole.patched_size(PATCHED.weight_patches, load)
		patched = shelf.whole.patched(PATCHED.weight_patches, load)

		assert isinstance(patched, Denoiser)
		assert size.nbytes == patched.nbytes
		assert 0 < size.least < size.nbytes
