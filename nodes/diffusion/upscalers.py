"""Networks that enlarge pictures (ESRGAN and its many relatives), read by spandrel and run tile by tile."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from engine.errors import ModelError, OutOfDeviceMemory, UnknownFamily, UnknownFormat
from engine.models import CPU, Load, Place
from nodes.diffusion.files import torch_dtype
from nodes.diffusion.interrupt import interruptible
from nodes.diffusion.patches.reading import read_tensors
from nodes.diffusion.working import UPSCALE_TILES
from nodes.values import Images

TILE, SMALLEST_TILE = UPSCALE_TILES
OVERLAP = 32
"""Pixels of the picture that is enlarged. Tiles overlap, and fade over into each other there."""

OnTile = Callable[[int, int], None]
"""Called after each tile with (tiles done, tiles in all)."""


class Upscaler:
	"""A network that enlarges pictures: an `Upscaling`.

	Args:
		module: from [1, 3, h, w] to [1, 3, h · scale, w · scale], values 0 to 1.
		scale: how many pixels a side becomes of one.
	"""

	def __init__(
		self, module: Callable[[Tensor], Tensor], *, scale: int, dtype: torch.dtype, nbytes: int, place: Place = CPU
	) -> None:
		self._module = module
		self.scale = scale
		self._dtype = dtype
		self._nbytes = nbytes
		self._place = place

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held."""
		return self._nbytes

	def upscale(self, images: Images, *, tile: int = TILE, on_tile: OnTile = lambda done, total: None) -> Images:
		"""Pictures, each enlarged, in tiles of so many pixels a side; in smaller ones where memory is short.

		Raises `OutOfDeviceMemory` if the smallest do not fit either, and what `on_tile` raises.
		"""
		while True:
			try:
				return self._upscaled(images.pixels[..., :3].movedim(-1, 1), tile, on_tile)
			except torch.OutOfMemoryError as error:
				tile //= 2
				if tile < SMALLEST_TILE:
					raise OutOfDeviceMemory(0, 0) from error

	def _upscaled(self, pixels: Tensor, tile: int, on_tile: OnTile) -> Images:
		rows, columns = (list(_tiles(side, tile)) for side in pixels.shape[-2:])
		total, done = len(pixels) * len(rows) * len(columns), 0
		pictures = []
		with torch.inference_mode():
			for picture in torch.split(pixels, 1):
				size = [side * self.scale for side in picture.shape[-2:]]
				sums, weights = torch.zeros(1, 3, *size), torch.zeros(1, 1, *size)
				for row in rows:
					for column in columns:
						part = self._module(picture[..., row, column].to(self._place, self._dtype)).float().cpu()
						fading = _fading(part.shape[-2], OVERLAP * self.scale)[:, None]
						fading = fading * _fading(part.shape[-1], OVERLAP * self.scale)
						place = (..., self._grown(row), self._grown(column))
						sums[place] += part * fading
						weights[place] += fading
						done += 1
						on_tile(done, total)
				pictures.append((sums / weights).clamp(0, 1))
		return Images(torch.cat(pictures).movedim(1, -1).contiguous())

	def _grown(self, stretch: slice) -> slice:
		return slice(stretch.start * self.scale, stretch.stop * self.scale)


def load_upscaler(load: Load) -> Upscaler:
	"""Any network that spandrel knows and that enlarges pictures: a `Loader` of `Upscaling`.

	Raises `UnknownFamily` for others, and `ModelError` if spandrel is not installed.
	"""
	spandrel = _spandrel()
	tensors = read_tensors(load.path)
	try:
		described: Any = spandrel.ModelLoader().load_from_state_dict(tensors)
	except spandrel.UnsupportedModelError as error:
		some = ', '.join(sorted(tensors)[:3])
		raise UnknownFamily(f'{load.path.name} is no upscaler that is known: its tensors are {some} …') from error
	except (RuntimeError, KeyError, ValueError) as error:
		raise UnknownFormat(load.path, f'its tensors make no upscaler ({error})') from error
	if not isinstance(described, spandrel.ImageModelDescriptor) or described.output_channels != 3:
		raise UnknownFamily(
			f'{load.path.name} is {described.architecture.name}, which does not enlarge single pictures.'
		)
	dtype = torch_dtype(load.dtype)
	described.eval().to(torch.device(load.place), dtype)
	module: torch.nn.Module = described.model
	interruptible(module.requires_grad_(False))
	nbytes = sum(weight.nbytes for weight in module.parameters())
	return Upscaler(described, scale=int(described.scale), dtype=dtype, nbytes=nbytes, place=load.place)


def _spandrel() -> Any:
	try:
		with _without_torchvision():
			return importlib.import_module('spandrel')
	except ModuleNotFoundError as error:
		raise ModelError(
			'Upscalers are read by the package spandrel, which is not installed. Install it with: '
			'pip install spandrel, or, beside a torch that torchvision does not fit, pip install --no-deps spandrel einops'
		) from error


@contextmanager
def _without_torchvision() -> Iterator[None]:
	"""Lets spandrel be imported where torchvision is not installed, or not for this torch.

	Two of its networks, neither of which enlarges, take one function each from there; nothing else does.
	"""
	if 'spandrel' in sys.modules or 'torchvision' in sys.modules:
		yield
		return
	names = ('torchvision', 'torchvision.transforms', 'torchvision.transforms.functional')
	stand_ins: Mapping[str, ModuleType] = {name: ModuleType(name) for name in names}
	for name in ('InterpolationMode', 'rotate', 'normalize'):
		setattr(stand_ins[names[-1]], name, None)
	sys.modules.update(stand_ins)
	try:
		yield
	finally:
		for name in names:
			del sys.modules[name]


def _tiles(side: int, tile: int) -> Iterator[slice]:
	"""Stretches of at most `tile` that cover a side, each with `OVERLAP` of the one before."""
	start = 0
	while True:
		stop = min(start + tile, side)
		yield slice(start, stop)
		if stop == side:
			return
		start += tile - OVERLAP


def _fading(side: int, width: int) -> Tensor:
	"""1 in the middle, falling in a line towards both ends; 1 all over where there is no room for that."""
	if width >= side:
		return torch.ones(side)
	ramp = torch.ones(side)
	ramp[:width] = torch.arange(1, width + 1) / width
	return ramp * ramp.flip(0)
