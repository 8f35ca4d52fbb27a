"""What a model family is: how files are known to hold one, and how each of its parts is built, filled and run.

A family is one declaration. Everything here is data and functions that import what they need when they are called, so
that the checker can know files by their families without torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

from engine.facts import ANY_SIZE as ANY
from engine.facts import Fact, FileMark, TensorMark
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.layout import Layout

if TYPE_CHECKING:
	from torch import Tensor
	from torch.nn import Module

	from nodes.diffusion.files import TensorSource
	from nodes.diffusion.networks import Network
	from nodes.diffusion.parametrisation import Parametrisation
	from nodes.diffusion.text.towers import Encoded, Tower
	from nodes.diffusion.vae import Vae
	from nodes.values import Prompt

__all__ = [
	'ANY',
	'Config',
	'Family',
	'Form',
	'Found',
	'Listening',
	'Mark',
	'Part',
	'Shapes',
	'TextAlone',
	'TextStack',
	'TowerPart',
	'Training',
	'VaePart',
]

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
"""Tensor name → shape."""

Config = Mapping[str, Any]
"""A module's config, as diffusers or transformers write it."""


@dataclass(frozen=True)
class Mark:
	"""Tensors by which a part is known, by their names without prefix.

	`tensors` must all be there, in these shapes where one is given (`ANY` fits any size); none of `without` may be.
	`beside` are tensors that the file must hold under exactly these names, with no prefix.
	"""

	tensors: Mapping[str, Shape | None]
	without: Sequence[str] = ()
	beside: Sequence[str] = ()

	def in_file(self, prefix: str, title: str = '', facts: Mapping[str, Fact] | None = None) -> FileMark:
		"""The mark of a file that holds the part under a prefix."""
		inside = [TensorMark(name=prefix + name, shape=shape) for name, shape in self.tensors.items()]
		return FileMark(
			title=title,
			tensors=(*inside, *(TensorMark(name=name) for name in self.beside)),
			without=tuple(prefix + name for name in self.without),
			facts=dict(facts or {}),
		)


def _itself(name: str) -> tuple[str, ...]:
	return (name,)


def _position_numbers(name: str) -> bool:
	return name.endswith('.position_ids')


@dataclass(frozen=True)
class Form:
	"""One way in which files keep a part, such as the original layout, or that of diffusers. Names are without prefix.

	`config` reads the module's config from the shapes of the part's tensors; it may leave out what the module has by
	default. `layout` is None where the file has the module's own names. `spellings` gives the names under which writers
	keep a tensor, the layout's first; `ignored` tells tensors that mean nothing for the part.
	"""

	marks: Sequence[Mark]
	config: Callable[[Shapes], Config]
	layout: Callable[[Config], Layout] | None = None
	spellings: Callable[[str], Sequence[str]] = _itself
	ignored: Callable[[str], bool] = _position_numbers


@dataclass(frozen=True)
class Found:
	"""Where a file has a part, and in which form."""

	form: Form
	prefix: str

	def config(self, shapes: Shapes) -> Config:
		"""The config of its module, from the shapes of the whole file."""
		return self.form.config(
			{name.removeprefix(self.prefix): shape for name, shape in shapes.items() if name.startswith(self.prefix)}
		)


@dataclass(frozen=True)
class Part:
	"""A part of a model: a network of its own.

	`prefixes` are where its tensors stand, looked through in order: in whole checkpoints, in folders of diffusers (the name
	of the component), then alone (''). `build` makes the module from its config; it is called where new weights take no
	memory. `metadata` is the entry of a file's metadata that overlays the config.
	"""

	title: str
	prefixes: Sequence[str]
	forms: Sequence[Form]
	build: Callable[[Config], Module]
	metadata: str = ''

	def find(self, shapes: Shapes) -> Found | None:
		"""Where a file with tensors of these names and shapes has it."""
		for prefix in self.prefixes:
			for form in self.forms:
				if any(mark.in_file(prefix).fits(shapes) for mark in form.marks):
					return Found(form, prefix)
		return None

	def marks(self, title: str, facts: Mapping[str, Fact]) -> tuple[FileMark, ...]:
		"""The marks of files that hold it, alone or with others."""
		return tuple(
			mark.in_file(prefix, title, facts) for prefix in self.prefixes for form in self.forms for mark in form.marks
		)


def _kl_vae(module: Module, config: Config) -> Vae:
	from nodes.diffusion.vae import KlAutoEncoder, Vae

	# diffusers wraps encode and decode in decorators that lose their types.
	return Vae(
		cast('KlAutoEncoder', module),
		module,
		factor=2 ** (len(config['block_out_channels']) - 1),
		nbytes=sum(weight.nbytes for weight in module.parameters()),
	)


@dataclass(frozen=True)
class VaePart(Part):
	"""A VAE. `vae` makes the filled module callable; by default it is one of diffusers' `AutoencoderKL`.

	`channels` is how many its latents have; None where the first convolution of its decoder tells.
	"""

	vae: Callable[[Module, Config], Vae] = _kl_vae
	channels: int | None = None


@dataclass(frozen=True)
class Training:
	"""What a file tells of how its denoiser was trained.

	`config` is that of the module, `scheduler` what the file says of its noise schedule (empty where it says nothing),
	`shapes` are those of the whole file. `tensors` are those of the module, by its own names; `file` stands for the file in
	errors.
	"""

	config: Config
	shapes: Shapes
	tensors: Mapping[str, Tensor]
	file: str = ''
	scheduler: Config = field(default_factory=dict)


@dataclass(frozen=True)
class TowerPart:
	"""A text encoder of a family. `name` says what kind it is: `clip_l`, `t5xxl`.

	`tower` puts the filled module and its tokenizer together; vocabularies may be in the metadata of the source. A family
	does without a tower that is not `required`.
	"""

	name: str
	part: Part
	tower: Callable[[Module, Config, TensorSource], Tower]
	required: bool = True


@dataclass(frozen=True)
class TextStack:
	"""How a family hears text: its towers, and how what they say becomes a `Prompt`.

	`types` are what loaders of separate text encoders call it. `join` gets what each tower said, by its name.
	"""

	towers: Sequence[TowerPart]
	types: Sequence[str]
	join: Callable[[Mapping[str, Encoded]], Prompt]


class Listening(Protocol):
	"""A kind of model whose text encoders we have: a family, or its text alone."""

	@property
	def title(self) -> str: ...

	@property
	def text(self) -> TextStack: ...


@dataclass(frozen=True)
class TextAlone:
	"""A kind of model of which only the text encoders are there."""

	title: str
	text: TextStack


@dataclass(frozen=True)
class Family:
	"""A kind of model that we can run.

	`network` makes the filled denoiser callable, for latents in this format; `parametrisation` says what its answers mean.
	`latents` is the format of the released model; a file's metadata may change it.
	"""

	name: str
	title: str
	denoiser: Part
	network: Callable[[Module, Config, LatentFormat], Network]
	parametrisation: Callable[[Training], Parametrisation]
	latents: LatentFormat
	vae: VaePart
	text: TextStack
