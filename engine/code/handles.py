"""Outputs of nodes in a workflow that is being built: typed by socket, so that a CLIP does not pass for a MODEL.

A socket's class is named after it: `MODEL` → `Model`, `CONTROL_NET` → `ControlNet`. `Handle[V]` says what the output's
value is for Python once the workflow has run: a list of Pillow's pictures for `Image`, a number for `Int`.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Generic, Self, TypeVar

from PIL.Image import Image as Picture

from engine.graph import Link, NodeId

V_co = TypeVar('V_co', covariant=True)
ANY = '*'
PARTING = re.compile('[^a-zA-Z0-9]+')


class Handle(Generic[V_co]):
	"""One output of a node. `socket` is the type of what travels there, `index` its place among the node's outputs."""

	socket: str = ANY

	def __init__(self, node: str, index: int = 0, name: str = '') -> None:
		self.node = NodeId(node)
		self.index = index
		self.name = name

	@property
	def link(self) -> Link:
		"""The link that feeds another node with it."""
		return Link(self.node, self.index)

	def __repr__(self) -> str:
		return f'<{type(self).__name__} {self.name or self.index} of {self.node!r}>'


class Node:
	"""A node that gives nothing to others: it saves or shows something."""

	def __init__(self, node: str) -> None:
		self.node = NodeId(node)

	def __repr__(self) -> str:
		return f'<node {self.node!r}>'


class Outputs(tuple[Handle[Any], ...]):
	"""The outputs of a node that has several: to be unpacked in their order, or taken by name."""

	names: tuple[str, ...]

	def __new__(cls, handles: Iterable[Handle[Any]]) -> Self:
		made = super().__new__(cls, handles)
		made.names = tuple(field_names(handle.name for handle in made))
		return made

	def __getattr__(self, name: str) -> Handle[Any]:
		if name == 'names' or name not in self.names:
			raise AttributeError(f'There is no output {name!r}.')
		return self[self.names.index(name)]

	def __dir__(self) -> list[str]:
		return [*super().__dir__(), *self.names]


class Model(Handle[object]):
	"""A network that denoises."""

	socket = 'MODEL'


class Clip(Handle[object]):
	"""A text encoder."""

	socket = 'CLIP'


class Vae(Handle[object]):
	"""What turns pixels into latents and back."""

	socket = 'VAE'


class ControlNet(Handle[object]):
	"""A network that steers a denoiser by a picture."""

	socket = 'CONTROL_NET'


class Conditioning(Handle[object]):
	"""Encoded prompts."""

	socket = 'CONDITIONING'


class Latent(Handle[object]):
	"""Latent pictures."""

	socket = 'LATENT'


class Image(Handle[list[Picture]]):
	"""Pictures."""

	socket = 'IMAGE'


class Mask(Handle[list[Picture]]):
	"""Masks, as grey pictures."""

	socket = 'MASK'


class Int(Handle[int]):
	"""A whole number."""

	socket = 'INT'


class Float(Handle[float]):
	"""A number."""

	socket = 'FLOAT'


class String(Handle[str]):
	"""A text."""

	socket = 'STRING'


class Boolean(Handle[bool]):
	"""On or off."""

	socket = 'BOOLEAN'


KNOWN: dict[str, type[Handle[Any]]] = {
	cls.socket: cls
	for cls in (Model, Clip, Vae, ControlNet, Conditioning, Latent, Image, Mask, Int, Float, String, Boolean)
}


@cache
def handle_class(socket: str) -> type[Handle[Any]]:
	"""The class of a socket's handles: one of those above, or one that is made for it."""
	if socket == ANY:
		return Handle
	return KNOWN.get(socket) or type(class_name(socket), (Handle,), {'socket': socket})


def class_name(socket: str) -> str:
	"""`CONTROL_NET` → `ControlNet`, `IMAGE,MASK` → `ImageMask`."""
	words = [word for word in PARTING.split(socket) if word]
	name = ''.join(word[0].upper() + (word[1:].lower() if word.isupper() else word[1:]) for word in words)
	return name if name.isidentifier() else f'Socket{name}'


def field_names(outputs: Iterable[str]) -> list[str]:
	"""What a node's outputs are called in Python: lower case, no two alike."""
	names: list[str] = []
	for index, output in enumerate(outputs):
		name = PARTING.sub('_', output.lower()).strip('_')
		if not name or name[0].isdigit():
			name = f'output_{name or index}'
		if keyword.iskeyword(name) or hasattr(tuple, name):
			name += '_'
		while name in names:
			name = f'{name}_{index}'
		names.append(name)
	return names
