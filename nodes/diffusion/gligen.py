"""GLIGEN (Li et al. 2023, "GLIGEN: Open-Set Grounded Text-to-Image Generation"): phrases in places, beside the text.

A phrase with its box becomes a token; in each block of a UNet's transformers, between what hears itself and what hears the
text, a gated attention over the picture's places and those tokens is added. The UNet itself stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast
from weakref import WeakKeyDictionary

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention import GatedSelfAttentionDense
from diffusers.models.embeddings import GLIGENTextBoundingboxProjection
from torch import Tensor
from torch.nn import Module, ModuleDict

from engine.errors import NodeUsage, UnknownFamily
from engine.models import Load
from nodes.diffusion.building import built, filled
from nodes.diffusion.files import open_source, torch_dtype
from nodes.diffusion.layout import Layout, plain
from nodes.diffusion.precision import resolved
from nodes.diffusion.whereabouts import dtype_of, place_of
from nodes.grounding_values import Phrase
from nodes.values import ModelInputs

TITLE = 'GLIGEN'
POSITIONS, FUSER = 'position_net.', '.fuser.'
MARK = f'{POSITIONS}null_positive_feature'
"""The tensor by which such a file is known."""
MOST = 30
"""So many phrases it hears; what is not used is filled up with nothing in particular."""
HEADS = 8
"""Of each attention of Stable Diffusion 1."""


class GligenModel(Module):
	"""What makes tokens of phrases and boxes, and the gated attentions by the blocks that they go with, in the file's names.

	`blocks` gives for each its [width, width of tokens].
	"""

	def __init__(self, *, phrase: int, token: int, blocks: Mapping[str, tuple[int, int]]) -> None:
		super().__init__()
		# diffusers' constructors have no annotations, hence Any.
		positions: Any = GLIGENTextBoundingboxProjection
		gated: Any = GatedSelfAttentionDense
		self.position_net = cast(Module, positions(positive_len=phrase, out_dim=token))
		self.fusers = ModuleDict(
			{_key(block): gated(width, heard, HEADS, width // HEADS) for block, (width, heard) in blocks.items()}
		)


@dataclass(frozen=True, eq=False)
class Gligen:
	"""A loaded GLIGEN: a `Grounder`. `blocks` are the names of the blocks that it has attentions for; `phrase` is how wide the
	vectors of phrases are."""

	module: GligenModel
	blocks: tuple[str, ...]
	phrase: int
	_fusing: WeakKeyDictionary[Module, Fusing] = field(default_factory=WeakKeyDictionary, repr=False)

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held."""
		return sum(weight.nbytes for weight in self.module.parameters())

	def tokens(self, phrases: Sequence[Phrase], height: int, width: int) -> Tensor:
		"""Phrases in a latent of this size as tokens, float32 [1, 30, width].

		Raises `NodeUsage` for too many, or for vectors of another width.
		"""
		if len(phrases) > MOST:
			raise NodeUsage(f'GLIGEN takes up to {MOST} phrases; there are {len(phrases)}.')
		boxes, vectors, mask = torch.zeros(1, MOST, 4), torch.zeros(1, MOST, self.phrase), torch.zeros(1, MOST)
		for place, phrase in enumerate(phrases):
			if phrase.vector.shape[-1] != self.phrase:
				raise NodeUsage(
					f'This GLIGEN hears phrases of width {self.phrase}; these have {phrase.vector.shape[-1]}. '
					'Link the text encoder of Stable Diffusion 1.'
				)
			area = phrase.area
			right, bottom = area.x + area.width, area.y + area.height
			boxes[0, place] = torch.tensor([area.x / width, area.y / height, right / width, bottom / height])
			vectors[0, place] = phrase.vector[0].cpu()
			mask[0, place] = 1
		net = self.module.position_net
		with torch.inference_mode():
			given = (one.to(place_of(net), dtype_of(net)) for one in (boxes, mask, vectors))
			return cast(Tensor, net(*given)).float().cpu()

	def inside(self, module: Module, layout: Layout) -> Fusing:
		"""The attentions by the blocks of a UNet, whose original files are laid out so. Raises `NodeUsage` for another model.

		Always the same for one module: prompts that have the same share a batch.
		"""
		if module not in self._fusing:
			self._fusing[module] = self._inside(module, layout)
		return self._fusing[module]

	def _inside(self, module: Module, layout: Layout) -> Fusing:
		known = {recipe[0].name: name for name, recipe in layout.items()}
		found: dict[str, GatedSelfAttentionDense] = {}
		for block in self.blocks:
			entry = f'{block}.attn1.to_q.weight'
			fuser = cast(GatedSelfAttentionDense, self.module.fusers[_key(block)])
			name = known.get(entry, '')
			own = module.get_submodule(name.rpartition('.')[0]) if name else None
			if not isinstance(module, UNet2DConditionModel) or own is None or not _fits(own, fuser):
				raise NodeUsage(
					f'This GLIGEN is for a UNet of Stable Diffusion 1; the model, a {type(module).__name__}, has no '
					f'{block} of width {fuser.linear.out_features}.'
				)
			found[name.removesuffix('.attn1.to_q.weight')] = fuser
		return Fusing(found)


@dataclass(frozen=True, eq=False)
class Fusing:
	"""Gated attentions by the names of a UNet's blocks."""

	fusers: Mapping[str, GatedSelfAttentionDense]

	@contextmanager
	def on(self, module: Module) -> Iterator[None]:
		"""Have a UNet use them meanwhile.

		They are lent to its blocks under the name that diffusers looks for, but not as parts of the UNet: that is shared.
		"""
		blocks = {module.get_submodule(name): fuser for name, fuser in self.fusers.items()}
		try:
			module.__dict__['position_net'] = _themselves
			for block, fuser in blocks.items():
				block.__dict__['fuser'] = partial(_fused, fuser)
			yield
		finally:
			module.__dict__.pop('position_net', None)
			for block in blocks:
				block.__dict__.pop('fuser', None)


def grounded(
	inputs: ModelInputs, model: Gligen, phrases: Sequence[Phrase], module: Module, layout: Layout, size: tuple[int, int]
) -> ModelInputs:
	"""What a UNet is to hear, with phrases in places of a latent of this size (height, width)."""
	return replace(inputs, objects=model.tokens(phrases, *size), fusing=model.inside(module, layout))


def _themselves(objs: Tensor) -> Tensor:
	"""They are tokens already."""
	return objs


def _fused(fuser: GatedSelfAttentionDense, hidden: Tensor, objs: Tensor) -> Tensor:
	place, dtype = place_of(fuser), dtype_of(fuser)
	said: Tensor = fuser(hidden.to(place, dtype), objs.to(place, dtype))
	return said.to(hidden)


def _fits(attention: Module, fuser: GatedSelfAttentionDense) -> bool:
	return getattr(attention, 'in_features', None) == fuser.linear.out_features


def _key(block: str) -> str:
	return block.replace('.', '_')


def load_gligen(load: Load) -> Gligen:
	"""A GLIGEN of text in boxes: a `Loader` of `Grounder`. Raises `UnknownFamily` for what is none.

	Of a file that holds a whole model besides, that is left.
	"""
	source = open_source(load.path)
	shapes = source.shapes
	blocks = {
		name.removesuffix(f'{FUSER}linear.weight'): (shape[0], shape[1])
		for name, shape in shapes.items()
		if name.endswith(f'{FUSER}linear.weight')
	}
	if MARK not in shapes or f'{POSITIONS}linears.4.weight' not in shapes or not blocks:
		some = ', '.join(sorted(shapes)[:3])
		raise UnknownFamily(f'{load.path.name} is no GLIGEN of text in boxes: its tensors are {some} …')
	(phrase,), token = shapes[MARK], shapes[f'{POSITIONS}linears.4.weight'][0]
	module = built(lambda: GligenModel(phrase=phrase, token=token, blocks=blocks), load.path, TITLE)
	dtype = torch_dtype(resolved(load, 'sd1', sum(weight.numel() for weight in module.parameters())))
	filled(
		module,
		source,
		_layout(module, blocks),
		part=TITLE,
		load=load,
		dtype=dtype,
		ignored=lambda name: not name.startswith(POSITIONS) and FUSER not in name,
	)
	return Gligen(module, tuple(blocks), phrase)


def _layout(module: Module, blocks: Mapping[str, object]) -> Layout:
	names: dict[str, str] = {}
	for block in blocks:
		own = f'fusers.{_key(block)}.'
		names |= {
			name: f'{block}{FUSER}{name.removeprefix(own)}' for name in module.state_dict() if name.startswith(own)
		}
	return plain(names)
