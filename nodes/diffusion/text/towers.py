"""Towers: text encoders with their tokenizers; and a family's towers together, as one `TextEncoder`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from engine.errors import NodeUsage
from engine.models import Load, Place, Size, WeightPatch
from nodes.diffusion.layout import Layout
from nodes.diffusion.moving import move
from nodes.diffusion.origin import Origin
from nodes.diffusion.patches.apply import patched, patched_size
from nodes.diffusion.patches.embeddings import fitting
from nodes.diffusion.patches.target import Target, text_prefixes
from nodes.diffusion.text.weighting import Vectors
from nodes.diffusion.whereabouts import bytes_of
from nodes.values import Conditioning, Prompt, Seen

logger = logging.getLogger(__name__)

PATCHED = torch.float16
"""What patched weights of text encoders are rounded to: ComfyUI holds them so, and pictures are to be the same."""


@dataclass(frozen=True, eq=False)
class Encoded:
	"""What one tower says of a prompt, float32 in main memory.

	`embedding` is [1, tokens, width]; `pooled` [1, width] is one vector of the whole, where the tower has it; `token_mask`
	[1, tokens] is 1 where there is text, and None if all counts. `layers` is how many layers' words lie one after the other
	in the embedding's width.
	"""

	embedding: Tensor
	pooled: Tensor | None = None
	token_mask: Tensor | None = None
	layers: int = 1


class Tower(Protocol):
	"""One text encoder with its tokenizer. Settings give changed views over the same weights."""

	@property
	def module(self) -> torch.nn.Module:
		"""Where its weights are."""
		...

	def chunks(self, text: str) -> int:
		"""How many chunks a prompt takes; 1 for a tower that takes any length at once."""
		...

	def encode(self, text: str, chunks: int = 1) -> Encoded:
		"""One prompt, weights in brackets applied, in at least so many chunks."""
		...

	def at_layer(self, layer: int) -> Tower:
		"""The same, listening to another of its layers, counted from the end (−1 is the last); itself if it cannot."""
		...

	def padded(self, padding: int, least: int) -> Tower:
		"""The same, with so much filling after each prompt, and filled up to so many tokens; itself if it has chunks."""
		...

	def with_vectors(self, vectors: Vectors) -> Tower:
		"""The same, taking these vectors for `embedding:name`."""
		...

	def on(self, module: torch.nn.Module) -> Tower:
		"""The same with other weights."""
		...


@runtime_checkable
class Seeing(Protocol):
	"""A tower that can look at pictures as well."""

	def look(self, text: str, seen: Sequence[Seen]) -> Encoded:
		"""One prompt with pictures that its eyes have seen: each where the text has the mark for one, in order."""
		...


@runtime_checkable
class Phrasing(Protocol):
	"""A tower that has one vector for a whole phrase."""

	def phrase(self, text: str) -> Tensor:
		"""The vector before any projection, float32 [1, width]."""
		...


Embeddings = Callable[[str], 'Mapping[str, Tensor] | None']
"""The vectors of an embedding by its name, for each tower ('' for any); None where there is none of that name.

A name that ends with a comma is asked for as it is first, and then without.
"""

Join = Callable[[Mapping[str, Encoded]], Prompt]
"""What a family makes of its towers' words, by their names."""


@dataclass(frozen=True, eq=False)
class Towers:
	"""The text encoders of a family by name, heard together: a `TextEncoder`.

	`layouts` are how original files keep their tensors, `origins` where they were read. Of patched ones, `own` are the bytes that they do not share, and
	`unmatched` is what of the patches fits nothing.
	"""

	towers: Mapping[str, Tower]
	join: Join
	layouts: Mapping[str, Layout] = field(default_factory=dict, repr=False)
	origins: Mapping[str, Origin] = field(default_factory=dict, repr=False)
	own: int | None = None
	unmatched: tuple[str, ...] = ()

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held, without those that are shared with the encoders they were patched from."""
		if self.own is not None:
			return self.own
		return sum(bytes_of(tower.module) for tower in self.towers.values())

	def targets(self) -> tuple[Target, ...]:
		"""What patches are for: tower by tower."""
		return tuple(
			Target(
				f'text encoder {name}',
				tower.module,
				self.layouts.get(name, {}),
				text_prefixes(name, index, len(self.towers)),
				PATCHED,
			)
			for index, (name, tower) in enumerate(self.towers.items())
		)

	def parts(self) -> Sequence[tuple[Target, Origin]]:
		"""See `Savable`."""
		return tuple(
			(target, self.origins[name])
			for name, target in zip(self.towers, self.targets(), strict=True)
			if name in self.origins
		)

	def patched(self, patches: Sequence[WeightPatch], load: Load) -> Towers:
		"""See `Patchable`."""
		made = patched(self.targets(), patches, load)
		changed = zip(self.towers.items(), made, strict=True)
		return replace(
			self,
			towers={name: tower.on(one.module) for (name, tower), one in changed},
			own=sum(one.nbytes for one in made),
			unmatched=tuple(name for one in made for name in one.unmatched),
		)

	def patched_size(self, patches: Sequence[WeightPatch], load: Load) -> Size:
		"""See `PatchMeasure`."""
		return patched_size(self.targets(), patches, load)

	def move(self, place: Place) -> None:
		"""See `Movable`."""
		for tower in self.towers.values():
			move(tower.module, place)

	def encode(self, text: str, each: Mapping[str, str | None] | None = None) -> Conditioning:
		"""One prompt; `each` gives some towers, by name, a text of their own. One that gets None is left out.

		Raises `NodeUsage` if the family cannot do without it.
		"""
		given = {name: (each or {}).get(name, text) for name in self.towers}
		texts = {name: heard for name, heard in given.items() if heard is not None}
		chunks = max((self.towers[name].chunks(heard) for name, heard in texts.items()), default=1)
		said = {name: self.towers[name].encode(heard, chunks) for name, heard in texts.items()}
		try:
			return Conditioning((self.join(said),))
		except KeyError as error:
			raise NodeUsage(f'These text encoders want a text for {error.args[0]}.') from error

	def look(self, text: str, seen: Sequence[Seen]) -> Conditioning:
		"""One prompt with pictures in it. Raises `NodeUsage` if any encoder can hear words only."""
		said = {}
		for name, tower in self.towers.items():
			if not isinstance(tower, Seeing):
				raise NodeUsage(f'The text encoder {name} cannot look at pictures; Qwen 2.5-VL can.')
			said[name] = tower.look(text, seen)
		return Conditioning((self.join(said),))

	def phrase(self, text: str) -> Tensor:
		"""One vector of a phrase, of the first tower that has such. Raises `NodeUsage` if none has."""
		for tower in self.towers.values():
			if isinstance(tower, Phrasing):
				return tower.phrase(text)
		raise NodeUsage(
			f'None of these text encoders ({", ".join(self.towers)}) has one vector for a phrase; CLIP has.'
		)

	def at_layer(self, layer: int) -> Towers:
		"""The same, each tower listening to another of its layers."""
		return replace(self, towers={name: tower.at_layer(layer) for name, tower in self.towers.items()})

	def padded(self, padding: int, least: int) -> Towers:
		"""The same, each tower that takes any length filling prompts up so."""
		return replace(self, towers={name: tower.padded(padding, least) for name, tower in self.towers.items()})

	def with_embeddings(self, read: Embeddings) -> Towers:
		"""The same, each tower taking its vectors for `embedding:name`; one that has none as wide as it is leaves it out."""
		known: dict[str, Mapping[str, Tensor] | None] = {}
		told: set[tuple[str, str]] = set()

		def vectors(name: str, tower: str, width: int) -> Tensor | None:
			if name not in known:
				known[name] = read(name)
			found = known[name]
			if found is None:
				return None
			fits = fitting(found, tower, width)
			if not len(fits) and (name, tower) not in told:
				told.add((name, tower))
				logger.warning(
					'The embedding %r has no vectors of %d values for %s; it is left out there.', name, width, tower
				)
			return fits

		return replace(
			self,
			towers={
				name: tower.with_vectors(partial(vectors, tower=name, width=_width(tower.module)))
				for name, tower in self.towers.items()
			},
		)


def _width(module: torch.nn.Module) -> int:
	"""How wide the vectors of its words are: a text encoder's first table."""
	return next(weight.shape[-1] for weight in module.parameters() if weight.dim() == 2)
