"""Settings of a UNet's self-attention: guidance by what it looks at, and looking within tiles only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, pad
from torch.utils.hooks import RemovableHandle

from nodes.diffusion.altered import Altered, part_of
from nodes.diffusion.hooks import Look
from nodes.diffusion.step_cache import exact

KERNEL = 9
"""Values along a side over which is blurred."""
TOO_SMALL = 4
"""Latents of such a side cannot be blurred over the kernel."""
LOOKED_AT = 1.0
"""What a place must get of all places' attention together to be blurred; as much as it would get on average."""
LEAST_TILE = 32
PIXELS = 8

Shape = tuple[int, int]


@dataclass(frozen=True)
class AwayFromBlurred:
	"""Leads away from what the unwanted side guesses of itself with the places blurred that it looks at most.

	Source: Hong et al. 2023, "Improving Sample Quality of Diffusion Models Using Self-Attention Guidance". Attention is that
	of the UNet's middle. Each step takes another look, and the first half of one more.
	"""

	scale: float
	blur: float

	def __call__(self, look: Look, guided: Tensor) -> Tensor:
		"""See `hooks.After`."""
		if self.scale == 0 or self.blur == 0 or min(guided.shape[-2:]) <= TOO_SMALL:
			return guided
		mask = (_attention(look) > LOOKED_AT).to(guided)
		mask = interpolate(mask[:, None], guided.shape[-2:])
		blurred = torch.lerp(look.unwanted, gaussian_blur(look.unwanted, self.blur), mask)
		model = replace(look.model, network=exact(look.model.network))
		worse = look.again(model, x=look.x + blurred - look.unwanted, positive=False)
		return guided + (blurred - worse) * self.scale


def gaussian_blur(latent: Tensor, sigma: float) -> Tensor:
	"""A latent [batch, channels, h, w] blurred over nine values a side, which are mirrored at its edges."""
	half = KERNEL // 2
	bell = torch.exp(-0.5 * (torch.arange(-half, half + 1, device=latent.device) / sigma) ** 2)
	bell = (bell / bell.sum()).to(latent)
	channels = latent.shape[1]
	across = bell.expand(channels, 1, 1, KERNEL)
	padded = pad(latent, [half] * 4, mode='reflect')
	return conv2d(conv2d(padded, across, groups=channels), across.transpose(2, 3), groups=channels)


class _Heard(Exception):
	"""Ends a look whose end is not needed.

	`attention` is what each place of the middle gets of all places' attention together, [batch, h, w].
	"""

	def __init__(self, attention: Tensor) -> None:
		super().__init__()
		self.attention = attention


def _attention(look: Look) -> Tensor:
	"""That of the unwanted side; of its last prompt if there are several."""
	altered = Altered(exact(look.model.network), _listening)
	try:
		look.again(replace(look.model, network=altered), positive=False)
	except _Heard as heard:
		return heard.attention[-len(look.x) :]
	raise AssertionError('The middle of a UNet was not called.')


def _listening(module: torch.nn.Module) -> Iterator[RemovableHandle]:
	middle = part_of(module, 'mid_block', 'attentions')[0]
	shape: list[Shape] = []

	def see(module: torch.nn.Module, args: tuple[Any, ...]) -> None:
		shape[:] = [args[0].shape[-2:]]

	def hear(attention: torch.nn.Module, args: tuple[Any, ...]) -> None:
		known = cast(Any, attention)  # diffusers' `Attention`
		query, key = (known.head_to_batch_dim(layer(args[0])) for layer in (known.to_q, known.to_k))
		scores: Tensor = known.get_attention_scores(query, key)  # [batch · heads, places, places]
		got = scores.float().reshape(len(args[0]), known.heads, *scores.shape[1:]).mean(dim=1).sum(dim=1)
		raise _Heard(got.reshape(-1, *shape[0]))

	yield middle.register_forward_pre_hook(see)
	yield middle.transformer_blocks[0].attn1.register_forward_pre_hook(hear)


@dataclass
class Tiles:
	"""Lets places look only within tiles, whose number changes from look to look (HyperTile, Fernandes 2023).

	Used where the latent is halved up to `depth` times, without rest. `tile` is the least side of a tile, eight for each
	place; with `grow` it doubles with each halving. Of the `swaps` next sizes one is drawn, in the same order each run. As in
	ComfyUI the last of several never is, so that two are as good as one; width and height change places; and queries are cut
	into tiles, but keys into as many pieces, row by row.
	"""

	tile: int
	swaps: int
	depth: int
	grow: bool
	_chance: torch.Generator = field(default_factory=lambda: torch.Generator().manual_seed(0), init=False)

	def __call__(self, module: torch.nn.Module) -> Iterator[RemovableHandle]:
		"""See `altered.Attach`."""
		latent: list[Shape] = []

		def see(module: torch.nn.Module, args: tuple[Any, ...]) -> None:
			latent[:] = [args[0].shape[-2:]]

		yield module.register_forward_pre_hook(see)
		part_of(module, 'mid_block')
		for name, part in module.named_modules():
			if name.endswith('.attn1'):
				yield from self._tiled(part, latent)

	def _tiled(self, attention: torch.nn.Module, latent: list[Shape]) -> Iterator[RemovableHandle]:
		now: list[tuple[int, int, int, int]] = []

		def cut(
			attention: torch.nn.Module, args: tuple[Any, ...], given: dict[str, Any]
		) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
			now.clear()
			places: Tensor = args[0]
			batch, count, width = places.shape
			halved = halvings(count, latent[0], self.depth)
			if halved is None:
				return None
			across, down = (side >> halved for side in latent[0])
			least = max(LEAST_TILE, self.tile) // PIXELS * (2**halved if self.grow else 1)
			rows, columns = (tiles_along(side, least, self.swaps, self._chance) for side in (down, across))
			if rows * columns == 1:
				return None
			now.append((rows, columns, down // rows, across // columns))
			tiles = places.reshape(batch, rows, down // rows, columns, across // columns, width).transpose(2, 3)
			pieces = places.reshape(batch * rows * columns, -1, width)
			return (tiles.reshape(pieces.shape), *args[1:]), given | {'encoder_hidden_states': pieces}

		def join(attention: torch.nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
			if not now:
				return output
			rows, columns, high, wide = now.pop()
			tiles = output.reshape(-1, rows, columns, high, wide, output.shape[-1])
			return tiles.transpose(2, 3).reshape(len(tiles), -1, output.shape[-1])

		yield attention.register_forward_pre_hook(cut, with_kwargs=True)
		yield attention.register_forward_hook(join)


def tiles_along(side: int, least: int, swaps: int, chance: torch.Generator) -> int:
	"""How many tiles there are along a side: their size is drawn from the `swaps` smallest from `least` on, but for the last."""
	fitting = [tile for tile in range(min(least, side), side + 1) if side % tile == 0]
	counts = [side // tile for tile in fitting[:swaps]]
	return counts[int(torch.randint(max(1, len(counts) - 1), (1,), generator=chance))]


def halvings(places: int, latent: Shape, most: int) -> int | None:
	"""How often both sides of a latent are halved, without rest, to get so many places; None if not up to `most` times."""
	for times in range(most + 1):
		if places * 4**times == latent[0] * latent[1] and all(side % 2**times == 0 for side in latent):
			return times
	return None
