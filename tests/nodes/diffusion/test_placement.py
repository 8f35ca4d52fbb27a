"""Networks that are streamed, on a device of so many bytes."""

from __future__ import annotations

import gc
import shutil
import weakref
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import FluxTransformer2DModel, UNet2DConditionModel
from gguf import GGMLQuantizationType
from torch import Tensor
from torch.nn import Module

from engine.errors import JobCancelled, OutOfDeviceMemory
from engine.models import FileDigest, Load, Loaders, ModelRef
from engine.modelstore import ModelStore
from nodes import load as loading
from nodes.diffusion import pouring
from nodes.diffusion.checkpoint import load_denoiser, load_text_encoder
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.placement import Read, blocks_of, least_bytes, stream
from nodes.values import DiffusionModel, ModelInputs
from tests import tiny, tiny_unets
from tests.nodes.diffusion.gguf_files import write_gguf
from tests.tiny_transformers import save_parts

FLUX: dict[str, Any] = {
	'patch_size': 1,
	'in_channels': 4,
	'num_layers': 2,
	'num_single_layers': 2,
	'attention_head_dim': 8,
	'num_attention_heads': 2,
	'joint_attention_dim': 16,
	'pooled_projection_dim': 8,
	'axes_dims_rope': [2, 2, 4],
}


def unet_inputs() -> dict[str, Any]:
	"""A batch of two."""
	torch.manual_seed(1)
	return {
		'sample': torch.randn(2, 4, 8, 8),
		'timestep': torch.tensor([10, 500]),
		'encoder_hidden_states': torch.randn(2, 7, tiny.WIDTH),
	}


def flux_inputs() -> dict[str, Any]:
	"""Four patches and three tokens."""
	torch.manual_seed(1)
	return {
		'hidden_states': torch.randn(1, 4, 4),
		'encoder_hidden_states': torch.randn(1, 3, 16),
		'pooled_projections': torch.randn(1, 8),
		'timestep': torch.tensor([0.5]),
		'img_ids': torch.zeros(4, 3),
		'txt_ids': torch.zeros(3, 3),
	}


NETWORKS: list[Any] = [
	pytest.param((UNet2DConditionModel, tiny.UNET, unet_inputs), id='unet'),
	pytest.param((FluxTransformer2DModel, FLUX, flux_inputs), id='transformer'),
]


class Streamed:
	"""A network with its weights, and the same on a device that has too few bytes for them."""

	def __init__(self, kind: tuple[Any, dict[str, Any], Any]) -> None:
		cls, config, inputs = kind
		self.inputs: dict[str, Any] = inputs()
		torch.manual_seed(0)
		self.whole: Module = tiny.make(cls, config)
		self.weights = dict(self.whole.state_dict())
		self.sizes = {name: tensor.nbytes for name, tensor in self.weights.items()}
		with torch.device('meta'):
			self.module: Module = tiny.make(cls, config)
		for name, buffer in self.whole.named_buffers():
			if name not in self.weights:
				owner, _, leaf = name.rpartition('.')
				self.module.get_submodule(owner).register_buffer(leaf, buffer, persistent=False)
		self.least = least_bytes(self.sizes, blocks_of(self.module, self.sizes, {}))
		self.reads: list[str] = []
		self.most = 0

	def reader(self) -> Read:
		"""Reads weights, and sees how many bytes are there then."""
		weights, reads, module = self.weights, self.reads, weakref.ref(self.module)

		def read(names: Collection[str]) -> dict[str, Tensor]:
			reads.extend(names)
			self.most = max(self.most, held(module()) + sum(weights[name].nbytes for name in names))
			return {name: weights[name].clone() for name in names}

		return read

	def stream(self, room: int) -> None:
		stream(self.module, self.reader(), sizes=self.sizes, room=room)

	def run(self, module: Module) -> Tensor:
		with torch.inference_mode():
			result: Tensor = module(**self.inputs, return_dict=False)[0]
		return result


def denoised(model: Denoiser, width: int = tiny.WIDTH) -> Tensor:
	"""What a model makes of a latent."""
	torch.manual_seed(2)
	return model.denoise(torch.randn(1, 4, 8, 8), torch.tensor([3.0]), ModelInputs(torch.randn(1, 77, width)))


def held(module: Module | None) -> int:
	"""Bytes of weights that a network has in memory."""
	assert module is not None
	return sum(tensor.nbytes for tensor in module.state_dict().values() if not tensor.is_meta)


@pytest.mark.parametrize('kind', NETWORKS)
class TestStream:
	def test_the_same_result(self, kind: Any) -> None:
		"""Bit for bit, pass after pass, with no more bytes than there are."""
		streamed = Streamed(kind)
		streamed.stream(streamed.least)
		expected = streamed.run(streamed.whole)

		assert all(torch.equal(streamed.run(streamed.module), expected) for _ in range(2))
		assert streamed.most <= streamed.least
		assert streamed.least < sum(streamed.sizes.values()) / 2

	def test_weights_go_after_the_pass(self, kind: Any) -> None:
		"""What is left is what is in no block."""
		streamed = Streamed(kind)
		streamed.stream(streamed.least)
		before = held(streamed.module)
		streamed.run(streamed.module)

		assert held(streamed.module) == before < streamed.least

	def test_more_room(self, kind: Any) -> None:
		"""What there is room for stays, so that less is read again."""
		reads = []
		for share in (0.0, 0.5):
			streamed = Streamed(kind)
			room = int(streamed.least + share * (sum(streamed.sizes.values()) - streamed.least))
			streamed.stream(room)
			streamed.reads.clear()
			streamed.run(streamed.module)
			reads.append(len(streamed.reads))
			assert streamed.most <= room

		assert reads[1] < reads[0]

	def test_too_little_room(self, kind: Any) -> None:
		"""It is said what would be needed."""
		streamed = Streamed(kind)
		with pytest.raises(OutOfDeviceMemory) as caught:
			streamed.stream(streamed.least - 1)

		assert (caught.value.needed, caught.value.free) == (streamed.least, streamed.least - 1)
		assert streamed.reads == []

	def test_threads_take_turns(self, kind: Any) -> None:
		"""Two passes at a time need no more room than one."""
		streamed = Streamed(kind)
		streamed.stream(streamed.least)
		with ThreadPoolExecutor(2) as threads:
			results = [*threads.map(streamed.run, [streamed.module] * 4)]

		assert all(torch.equal(result, streamed.run(streamed.whole)) for result in results)
		assert streamed.most <= streamed.least

	def test_it_goes_at_once(self, kind: Any) -> None:
		"""No circle of references keeps the weights when the network is let go of."""
		streamed = Streamed(kind)
		streamed.stream(streamed.least)
		streamed.run(streamed.module)
		weight = weakref.ref(next(tensor for tensor in streamed.module.parameters() if not tensor.is_meta))
		gc.collect()
		gc.disable()
		try:
			del streamed.module
			assert weight() is None
		finally:
			gc.enable()


class TestInterruption:
	@pytest.mark.parametrize('error', [JobCancelled('stop'), KeyboardInterrupt()])
	def test_a_pass_that_ends_early(self, error: BaseException) -> None:
		"""The block that it ended in loses its weights, at the latest in the next pass, which is right."""
		streamed = Streamed(NETWORKS[0].values[0])
		streamed.stream(streamed.least)
		before = held(streamed.module)
		block = streamed.module.get_submodule('up_blocks.0.resnets.0')

		def stop(*_: object) -> None:
			raise error

		handle = block.register_forward_pre_hook(stop)
		with pytest.raises(type(error)):
			streamed.run(streamed.module)
		handle.remove()

		assert isinstance(error, KeyboardInterrupt) or held(streamed.module) == before
		assert torch.equal(streamed.run(streamed.module), streamed.run(streamed.whole))
		assert held(streamed.module) == before

	def test_a_file_that_is_gone(self) -> None:
		"""The error comes out of the pass, and nothing is left locked."""
		streamed = Streamed(NETWORKS[0].values[0])
		streamed.stream(streamed.least)
		kept = streamed.weights.pop('up_blocks.0.resnets.0.conv1.weight')
		with pytest.raises(KeyError):
			streamed.run(streamed.module)
		streamed.weights['up_blocks.0.resnets.0.conv1.weight'] = kept

		assert torch.equal(streamed.run(streamed.module), streamed.run(streamed.whole))


class TestLoading:
	@pytest.fixture(autouse=True, params=[pouring.SMALL, 0], ids=['at once', 'in threads'])
	def _read(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Weights come in the thread of the pass, or in others: the large ones of real models."""
		monkeypatch.setattr(pouring, 'SMALL', request.param)

	def test_from_the_file(self, checkpoint: Path) -> None:
		"""A checkpoint that is loaded with half the room gives what it gives whole."""
		whole = load_denoiser(Load((checkpoint,), 'denoiser'))
		streamed = load_denoiser(Load((checkpoint,), 'denoiser', room=whole.nbytes // 2))

		assert torch.equal(denoised(streamed), denoised(whole))

	def test_from_main_memory(self, checkpoint: Path, tmp_path: Path) -> None:
		"""Weights that wait there are not read again."""
		path = tmp_path / 'moved.safetensors'
		shutil.copy(checkpoint, path)
		whole = load_denoiser(Load((checkpoint,), 'denoiser'))
		streamed = load_denoiser(Load((path,), 'denoiser', room=whole.nbytes // 2, in_memory=True))
		path.unlink()

		assert torch.equal(denoised(streamed), denoised(whole))

	def test_in_half_precision(self, checkpoint: Path) -> None:
		"""Weights that are not there yet have the type that they will have."""
		whole = load_denoiser(Load((checkpoint,), 'denoiser', 'bfloat16'))
		streamed = load_denoiser(Load((checkpoint,), 'denoiser', 'bfloat16', room=whole.nbytes // 2))

		assert torch.equal(denoised(streamed), denoised(whole))

	def test_text_encoders_share_their_room(self, tmp_path: Path) -> None:
		"""All of them together are in it; what they say is the same."""
		files = save_parts(tmp_path, 'sd3')
		whole = load_text_encoder(Load(files.texts, 'text', option='sd3'))
		room = whole.nbytes * 4 // 5
		streamed = load_text_encoder(Load(files.texts, 'text', option='sd3', room=room))
		said, before = (towers.encode('a cat').prompts[0].embedding for towers in (streamed, whole))

		assert [*streamed.towers] == [*whole.towers]
		assert torch.equal(said, before)
		assert sum(held(tower.module) for tower in streamed.towers.values()) <= room

	@pytest.mark.parametrize('kept', ['Q8_0', 'fp8_e4m3fn', 'fp8_e5m2'])
	def test_kept_in_eight_bits(self, kept: str, tmp_path: Path) -> None:
		"""Quantised weights come and go as they are."""
		tensors = {
			name: tensor.detach()
			for name, tensor in tiny_unets.model('sd1').whole().items()
			if name.startswith(tiny.CHECKPOINT)
		}
		blocks = [name for name, tensor in tensors.items() if tensor.dim() == 2 and tensor.shape[1] % 32 == 0]
		if kept == 'Q8_0':
			path = write_gguf(tmp_path / 'a', tensors, 'sd1', dict.fromkeys(blocks, GGMLQuantizationType.Q8_0))
		else:
			path = tiny_unets.save(tmp_path / 'a', tensors)
		dtype = 'auto' if kept == 'Q8_0' else kept
		whole = load_denoiser(Load((path,), 'denoiser', dtype))
		streamed = load_denoiser(Load((path,), 'denoiser', dtype, room=whole.nbytes * 2 // 3))

		assert whole.nbytes < sum(tensor.nbytes for tensor in tensors.values()) * 0.9
		assert torch.equal(denoised(streamed, tiny_unets.WIDTH), denoised(whole, tiny_unets.WIDTH))
		assert held(streamed.network.module) <= whole.nbytes * 2 // 3

	def test_through_the_store(self, checkpoint: Path) -> None:
		"""A budget of half the model is enough to use it."""
		whole = load_denoiser(Load((checkpoint,), 'denoiser'))
		loaders = Loaders()
		loading.add_loaders(loaders)
		store = ModelStore(loaders, lambda digest: checkpoint, budget=whole.nbytes // 2)
		with store.use(ModelRef[DiffusionModel](FileDigest('x'), 'denoiser')) as streamed:
			assert isinstance(streamed, Denoiser)
			assert torch.equal(denoised(streamed), denoised(whole))

		[resident] = store.residents()
		assert (resident.nbytes, resident.size.nbytes) == (whole.nbytes // 2, whole.nbytes)
