"""CLIP's text encoders, as Stable Diffusion and its relatives listen to them.

Sources: Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision" (CLIP-L); Ilharco
et al. 2021, OpenCLIP (H and bigG). Which layer a model listens to is told by its paper and its released code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.nn import Linear, Module
from transformers import CLIPTextConfig, CLIPTextModel

from nodes.diffusion.text.towers import Encoded
from nodes.diffusion.text.weighting import Vectors, Word, chunked, runs
from nodes.diffusion.tokenizer import ClipTokenizer
from nodes.diffusion.whereabouts import place_of

Chunk = Sequence[tuple[Word, float]]


class Said(NamedTuple):
	"""What CLIP says: [batch, tokens, width] of the last layer after the final norm, and of every layer before it."""

	final: Tensor
	layers: Sequence[Tensor]


class ClipModel(Module):
	"""CLIP's text half, under the names of transformers' `CLIPTextModelWithProjection`, whatever its version.

	The projection of the pooled vector is None unless the config says `with_projection`.
	"""

	def __init__(self, config: Mapping[str, Any]) -> None:
		super().__init__()
		given = {name: value for name, value in config.items() if name != 'with_projection'}
		described = CLIPTextConfig.from_dict(given)
		width: int = config['hidden_size']
		model = CLIPTextModel(described)
		# Before transformers 5.6 the model itself was one level down.
		self.text_model = cast(Module, getattr(model, 'text_model', model))
		self.text_projection: Linear | None = None
		if config.get('with_projection'):
			self.text_projection = Linear(width, config['projection_dim'], bias=False)

	@property
	def depth(self) -> int:
		"""How many layers it has."""
		return len(cast(Sequence[Module], self.text_model.get_submodule('encoder.layers')))

	def forward(self, numbers: Tensor, instead: Mapping[tuple[int, int], Tensor], *, layers: bool) -> Said:
		"""Token numbers [batch, tokens], with vectors instead of some, by batch and place; `layers` asks for all of them."""
		with _replaced(self.text_model.get_submodule('embeddings.token_embedding'), instead):
			said: Any = self.text_model(input_ids=numbers, output_hidden_states=layers)
		return Said(said.last_hidden_state, said.hidden_states[1:] if layers else ())

	def normed(self, layer: Tensor) -> Tensor:
		"""A layer after the final norm."""
		normed: Tensor = self.text_model.get_submodule('final_layer_norm')(layer)
		return normed


@dataclass(frozen=True, eq=False)
class ClipTower:
	"""A CLIP text encoder with its tokenizer: a `Tower`.

	`length` is how many tokens a chunk has, marks included. `pad` fills chunks up (None: the end mark does). `layer` is the
	one that is listened to, counted from the end; None is the last, always after the final norm. `normed` says whether
	another one is put through the final norm too. `projected` says whether the pooled vector is.
	"""

	module: ClipModel
	tokenizer: ClipTokenizer
	length: int = 77
	pad: int | None = None
	layer: int | None = None
	normed: bool = True
	projected: bool = False
	vectors: Vectors | None = None

	def chunks(self, text: str) -> int:
		"""See `Tower`."""
		return len(self._chunked(text))

	def encode(self, text: str, chunks: int = 1) -> Encoded:
		"""One prompt, [1, chunks × length, width]; pooled is the last layer at the first chunk's end mark, unweighted.

		A token's weight w moves its embedding z along the line from that of the empty prompt: z₀ + (z − z₀) · w.
		"""
		laid = self._chunked(text, chunks)
		weights = torch.tensor([[weight for _, weight in chunk] for chunk in laid])
		if bool((weights == 1).all()):
			embedding, pooled = self._embed(laid)
		else:
			both, pooled = self._embed([*laid, *self._chunked('')])
			empty = both[-1:]
			embedding = empty + (both[:-1] - empty) * weights[..., None]
		return Encoded(embedding.reshape(1, -1, embedding.shape[-1]), pooled)

	def phrase(self, text: str) -> Tensor:
		"""See `Phrasing`."""
		_, pooled = replace(self, projected=False)._embed(self._chunked(text))
		return pooled

	def at_layer(self, layer: int) -> ClipTower:
		"""See `Tower`; a layer that is not there is the last."""
		return replace(self, layer=layer if 0 < -layer <= self.module.depth else None)

	def padded(self, padding: int, least: int) -> ClipTower:
		"""Itself: its chunks are filled up anyway."""
		return self

	def with_vectors(self, vectors: Vectors) -> ClipTower:
		"""See `Tower`."""
		return replace(self, vectors=vectors)

	def on(self, module: Module) -> ClipTower:
		"""See `Tower`."""
		return replace(self, module=cast(ClipModel, module))

	def _chunked(self, text: str, chunks: int = 1) -> list[list[tuple[Word, float]]]:
		start: Word = self.tokenizer.start
		found = runs(text, self.tokenizer, self.vectors)
		return chunked(found, start=start, end=self.tokenizer.end, pad=self.pad, length=self.length, chunks=chunks)

	def _embed(self, chunks: Sequence[Chunk]) -> tuple[Tensor, Tensor]:
		"""The embeddings of all chunks, and the pooled vector of the first."""
		end = self.tokenizer.end
		instead = {
			(row, place): word
			for row, chunk in enumerate(chunks)
			for place, (word, _) in enumerate(chunk)
			if isinstance(word, Tensor)
		}
		numbers = torch.tensor([[end if isinstance(word, Tensor) else word for word, _ in chunk] for chunk in chunks])
		first_end = next(place for place, (word, _) in enumerate(chunks[0]) if isinstance(word, int) and word == end)
		place = place_of(self.module)
		with torch.inference_mode():
			said = self.module(numbers.to(place), instead, layers=self.layer is not None)
			embedding = said.final if self.layer is None else said.layers[self.layer]
			if self.layer is not None and self.normed:
				embedding = self.module.normed(embedding)
			pooled = said.final[:1, first_end]
			if self.projected and self.module.text_projection is not None:
				pooled = self.module.text_projection(pooled)
		return embedding.float().cpu(), pooled.float().cpu()


@contextmanager
def _replaced(table: Module, instead: Mapping[tuple[int, int], Tensor]) -> Iterator[None]:
	"""Lets a table of embeddings give other vectors in some places."""
	if not instead:
		yield
		return

	def put(module: Module, inputs: object, looked_up: Tensor) -> Tensor:
		for (row, place), vector in instead.items():
			looked_up[row, place] = vector.to(looked_up)
		return looked_up

	handle = table.register_forward_hook(put)
	try:
		yield
	finally:
		handle.remove()
