"""Networks without memory, and their filling."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import QwenImageTransformer2DModel
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import Linear, Module
from transformers import (
	CLIPVisionConfig,
	CLIPVisionModelWithProjection,
	Qwen3Config,
	Qwen3Model,
	T5Config,
	T5EncoderModel,
)

from engine.cancel import CancelToken
from engine.errors import JobCancelled, UnknownFormat
from engine.models import Load, Phase
from nodes.diffusion import pouring
from nodes.diffusion.building import built, filled, same_names
from nodes.diffusion.files import open_source
from nodes.diffusion.layout import Layout, Piece
from tests import tiny

NOWHERE = Path('nowhere')


def t5(width: int = 16) -> T5EncoderModel:
	"""Two layers; its table of pieces goes by two names."""
	return T5EncoderModel(
		T5Config(
			vocab_size=50, d_model=width, d_kv=4, d_ff=32, num_layers=2, num_heads=4, feed_forward_proj='gated-gelu'
		)
	)


def qwen() -> Qwen3Model:
	"""Its frequencies are in no file."""
	return Qwen3Model(
		Qwen3Config(
			vocab_size=50,
			hidden_size=16,
			intermediate_size=32,
			num_hidden_layers=2,
			num_attention_heads=2,
			num_key_value_heads=1,
			head_dim=8,
		)
	)


def vision() -> CLIPVisionModelWithProjection:
	"""Its position numbers are in no file."""
	return CLIPVisionModelWithProjection(
		CLIPVisionConfig(
			hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=8, patch_size=4
		)
	)


def qwen_image() -> Module:
	"""Its frequencies are not even a buffer."""
	config = {'in_channels': 4, 'out_channels': 1, 'num_layers': 1, 'attention_head_dim': 8, 'num_attention_heads': 2}
	return tiny.make(QwenImageTransformer2DModel, {**config, 'joint_attention_dim': 8, 'axes_dims_rope': (2, 2, 4)})


def saved(path: Path, tensors: dict[str, Tensor]) -> Path:
	file = path / 'module.safetensors'
	save_file({name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}, file)
	return file


def load(path: Path, module: Module, layout: Layout | None = None, *, dtype: torch.dtype = torch.float32) -> Module:
	"""Fill a module from a file; without a layout under its own names."""
	source = open_source(path)
	kept = same_names(module) if layout is None else layout
	return filled(module, source, kept, part='thing', load=Load((path,), 'thing'), dtype=dtype)


class TestBuilt:
	@pytest.mark.parametrize('build', [t5, qwen, vision, qwen_image])
	def test_large_weights_take_no_memory_and_constants_are_right(self, build: type[Module]) -> None:
		"""Matrices are on the meta device; buffers and plain tensors have the values of a usual build."""
		usual, empty = build(), built(build, NOWHERE, 'thing')
		values = dict(usual.named_buffers())

		assert all(weight.is_meta for weight in empty.parameters() if weight.dim() > 1 and weight.numel() > 64)
		for name, buffer in empty.named_buffers():
			assert torch.equal(buffer, values[name])
		for (_, one), (_, other) in zip(usual.named_modules(), empty.named_modules(), strict=True):
			for name, held in vars(one).items():
				if isinstance(held, Tensor):
					assert torch.equal(held, vars(other)[name])

	def test_a_failed_build_tells_the_file_and_the_part(self) -> None:
		"""As configs come from files."""

		def build() -> Module:
			return CLIPVisionModelWithProjection(CLIPVisionConfig(hidden_size=7, num_attention_heads=2))

		with pytest.raises(UnknownFormat, match=r'nowhere cannot be read.*describe no thing that can be built'):
			built(build, NOWHERE, 'thing')


class TestFilled:
	@pytest.mark.parametrize('build', [t5, qwen, vision, qwen_image])
	def test_a_filled_network_has_the_values_of_the_written_one(self, build: type[Module], tmp_path: Path) -> None:
		"""Every tensor of its state, and every buffer."""
		written = build()
		read = load(saved(tmp_path, written.state_dict()), built(build, NOWHERE, 'thing'))

		for name, tensor in written.state_dict().items():
			assert torch.equal(tensor, read.state_dict()[name])
		assert not any(held.is_meta for held in (*read.parameters(), *read.buffers()))

	def test_shared_weights_are_read_once(self, tmp_path: Path) -> None:
		"""Under any of their names; they stay one tensor."""
		state = t5().state_dict()
		table = state.pop('shared.weight')
		read = load(saved(tmp_path, state), built(t5, NOWHERE, 'thing'))

		assert torch.equal(read.get_parameter('shared.weight'), table)
		assert read.get_parameter('shared.weight') is read.get_parameter('encoder.embed_tokens.weight')

	def test_norms_that_the_file_lacks_are_missed(self, tmp_path: Path) -> None:
		"""Though the build has given them ones."""
		state = qwen().state_dict()
		del state['norm.weight']

		with pytest.raises(UnknownFormat, match=r'its thing lacks 1 tensors: norm\.weight'):
			load(saved(tmp_path, state), built(qwen, NOWHERE, 'thing'))

	def test_a_weight_may_be_put_together(self, tmp_path: Path) -> None:
		"""Of rows in another order, in another dtype, from two tensors, one of them transposed."""
		file = saved(tmp_path, {'ab': torch.arange(8.0).reshape(4, 2), 'c': torch.tensor([[8.0, 10.0], [9.0, 11.0]])})
		layout = {'weight': (Piece('ab', 2, 4), Piece('ab', 0, 2), Piece('c', transposed=True))}

		read = load(file, built(lambda: Linear(2, 6, bias=False), NOWHERE, 'thing'), layout, dtype=torch.float16)

		weight = read.get_parameter('weight')
		assert weight.dtype == torch.float16
		assert weight.tolist() == [[4, 5], [6, 7], [0, 1], [2, 3], [8, 9], [10, 11]]

	def test_rows_that_are_not_there_are_another_shape(self, tmp_path: Path) -> None:
		"""Nothing is read past a tensor's end."""
		file = saved(tmp_path, {'ab': torch.zeros(3, 2)})
		layout = {'weight': (Piece('ab', 0, 2), Piece('ab', 2, 4))}

		with pytest.raises(UnknownFormat, match='has other shapes in 1 tensors: ab'):
			load(file, built(lambda: Linear(2, 4, bias=False), NOWHERE, 'thing'), layout)

	def test_bytes_are_told_as_they_are_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""In the phase of loading, also within a tensor."""
		monkeypatch.setattr(pouring, 'CHUNK', 64)
		path = saved(tmp_path, {'weight': torch.zeros(16, 8)})
		told: list[tuple[Phase, int, int]] = []
		asked = Load((path,), 'thing', on_progress=lambda *state: told.append(state))

		filled(
			built(lambda: Linear(8, 16, bias=False), NOWHERE, 'thing'),
			open_source(path),
			{},
			part='thing',
			load=asked,
			dtype=torch.float32,
		)

		assert told == [
			*(('loading_model', 64 * step, 512) for step in range(9)),
			('device_setup', 0, 512),
			('device_setup', 512, 512),
		]

	def test_a_load_stops_within_a_tensor(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""However large it is; the network is as it was."""
		monkeypatch.setattr(pouring, 'CHUNK', 64)
		path = saved(tmp_path, {'weight': torch.zeros(16, 8)})
		cancel = CancelToken()
		asked = Load((path,), 'thing', cancel=cancel, on_progress=lambda _, done, __: cancel.cancel() if done else None)
		module = built(lambda: Linear(8, 16, bias=False), NOWHERE, 'thing')

		with pytest.raises(JobCancelled):
			filled(module, open_source(path), {}, part='thing', load=asked, dtype=torch.float32)

		assert module.weight.is_meta
