"""IP-Adapters (Ye et al. 2023, "IP-Adapter"): attention of a UNet that hears a picture beside the text.

For each cross-attention there are keys and values of the picture; what it says by them is added, by a weight, to what it
says of the text. That is done by hooks which are there while the network is called: its modules are shared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from diffusers.models.embeddings import ImageProjection, IPAdapterFullImageProjection, IPAdapterPlusImageProjection
from torch import Tensor
from torch.nn import Linear, Module, ModuleDict
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.hooks import RemovableHandle

from engine.errors import ModelError, NodeUsage, UnknownFamily
from engine.models import Load, Place
from nodes.diffusion.altered import attached
from nodes.diffusion.checkpoint import read_part
from nodes.diffusion.families.vision import IP_ADAPTER
from nodes.diffusion.files import open_source
from nodes.diffusion.moving import move
from nodes.diffusion.networks import Network
from nodes.diffusion.parametrisation import Parametrisation
from nodes.values import NO_SCENE, ModelInputs, Prompt, Scene
from nodes.vision_values import VisionOutput

Hook = Callable[[Module, tuple[Any, ...]], tuple[Any, ...]]


class KeysAndValues(Module):
	"""What a picture's tokens are for one attention."""

	def __init__(self, width: int, out: int) -> None:
		super().__init__()
		self.to_k_ip = Linear(width, out, bias=False)
		self.to_v_ip = Linear(width, out, bias=False)


class AdapterModel(Module):
	"""The projection of what is seen to tokens, and the keys and values of them; see `layouts.ip_adapter.config`."""

	def __init__(self, config: Mapping[str, Any]) -> None:
		super().__init__()
		self.image_proj = _projection(config)
		self.ip_adapter = ModuleDict(
			{str(number): KeysAndValues(width, out) for number, (out, width) in config['attentions'].items()}
		)

	@property
	def attentions(self) -> list[KeysAndValues]:
		"""In the order of the file's numbers: those of the way down, up, and the middle."""
		return [cast(KeysAndValues, one) for one in self.ip_adapter.values()]


def _projection(config: Mapping[str, Any]) -> Module:
	seen, width = config['seen'], config['width']
	# diffusers' constructors have no annotations, hence Any.
	if config['kind'] == 'vector':
		vector: Any = ImageProjection
		return cast(Module, vector(seen, width, config['tokens']))
	if config['kind'] == 'full':
		full: Any = IPAdapterFullImageProjection
		return cast(Module, full(seen, width))
	plus: Any = IPAdapterPlusImageProjection
	return cast(
		Module,
		plus(
			embed_dims=seen,
			output_dims=width,
			hidden_dims=config['inner'],
			depth=config['layers'],
			heads=config['heads'],
			num_queries=config['tokens'],
		),
	)


@dataclass(frozen=True)
class Levels:
	"""From which timestep down to which it is heard."""

	first: float
	last: float


def levels(parametrisation: Parametrisation, start: float, end: float) -> Levels:
	"""The timesteps of a part of the way, 0 to 1."""
	first, last = (
		float(parametrisation.timestep(torch.tensor([parametrisation.at(part)]))[0]) for part in (start, end)
	)
	return Levels(first, last)


@dataclass(frozen=True, eq=False)
class IpAdapter:
	"""A `PictureAdapter`. With `by_layer` it hears the last layer but one of what was seen, else the vector of the whole."""

	module: AdapterModel
	seen: int
	by_layer: bool

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held."""
		return sum(weight.nbytes for weight in self.module.parameters())

	def move(self, place: Place) -> None:
		"""See `Movable`."""
		move(self.module, place)

	def tokens(self, shown: VisionOutput, blank: VisionOutput) -> tuple[Tensor, Tensor]:
		"""What is heard of pictures, all together [1, tokens, width], and what of none: see `PictureAdapter`."""
		if self.by_layer:
			wanted, unwanted = shown.penultimate, blank.penultimate[:1]
		else:
			wanted, unwanted = shown.embeds, torch.zeros_like(shown.embeds[:1])
		if wanted.shape[-1] != self.seen:
			raise NodeUsage(
				f'This IP-Adapter hears pictures that were encoded in a width of {self.seen}; these have '
				f'{wanted.shape[-1]}. Take the CLIP vision model that it was made for (ViT-H, or bigG for some of XL).'
			)
		weight = next(self.module.parameters())
		with torch.inference_mode():
			heard, nothing = (self.module.image_proj(one.to(weight)) for one in (wanted, unwanted))
		return heard.flatten(0, 1)[None], nothing.repeat(1, len(heard), 1)

	def on(self, network: Network, shown: VisionOutput, blank: VisionOutput, weight: float, levels: Levels) -> Network:
		"""A network that hears the pictures as well. Raises `ModelError` if it is none that the adapter was made for."""
		attentions = cross_attentions(network.module)
		widths = [(one.to_q.out_features, self.seen_width) for one in attentions]
		own = [(one.to_k_ip.out_features, one.to_k_ip.in_features) for one in self.module.attentions]
		if widths != own:
			raise ModelError(
				f'This IP-Adapter was made for another model: it is for {len(own)} attentions, and this '
				f'{type(network.module).__name__} has {len(widths)}'
				+ ('.' if len(own) != len(widths) else ' of other widths.')
			)
		return Hearing(network, self.module, *self.tokens(shown, blank), weight, levels)

	@property
	def seen_width(self) -> int:
		"""How wide its tokens are."""
		return self.module.attentions[0].to_k_ip.in_features


@dataclass(frozen=True, eq=False)
class Hearing:
	"""A UNet that hears pictures beside the text: a `Network`. `heard` and `nothing` are [1, tokens, width]."""

	network: Network
	adapter: AdapterModel
	heard: Tensor
	nothing: Tensor
	weight: float
	levels: Levels

	@property
	def module(self) -> Module:
		"""Where its weights are."""
		return self.network.module

	def around(self, module: Module) -> Hearing:
		"""See `Network`."""
		return replace(self, network=self.network.around(module))

	def inputs(self, prompt: Prompt, latent: Tensor, scene: Scene = NO_SCENE) -> ModelInputs:
		"""See `Network`: what is not wanted hears nothing of the pictures."""
		inputs = self.network.inputs(prompt, latent, scene)
		return replace(inputs, heard=(*inputs.heard, self.nothing if scene.negative else self.heard))

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs) -> Tensor:
		"""See `Network`."""
		*others, tokens = inputs.heard
		below = replace(inputs, heard=tuple(others))
		if not self.levels.last <= float(timestep[0]) <= self.levels.first:
			return self.network(x, timestep, below)
		with attached(lambda module: self._attach(module, tokens), self.module):
			return self.network(x, timestep, below)

	def _attach(self, module: Module, tokens: Tensor) -> Iterator[RemovableHandle]:
		for attention, pair in zip(cross_attentions(module), self.adapter.attentions, strict=True):
			asked: list[Tensor] = []
			yield attention.to_q.register_forward_hook(_keep(asked))
			yield attention.to_out[0].register_forward_pre_hook(self._added(asked, tokens, pair, attention.heads))

	def _added(self, asked: list[Tensor], tokens: Tensor, pair: KeysAndValues, heads: int) -> Hook:
		def add(module: Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
			query = asked.pop()
			heard = tokens.to(pair.to_k_ip.weight)
			parts = (query, pair.to_k_ip(heard).to(query), pair.to_v_ip(heard).to(query))
			said = scaled_dot_product_attention(*(part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in parts))
			return (given[0] + self.weight * said.transpose(1, 2).flatten(2), *given[1:])

		return add


def _keep(asked: list[Tensor]) -> Callable[[Module, tuple[Any, ...], Tensor], None]:
	def keep(module: Module, given: tuple[Any, ...], query: Tensor) -> None:
		asked[:] = [query]

	return keep


def cross_attentions(module: Module) -> list[Any]:
	"""diffusers' `Attention`s over text, in the order in which IP-Adapters number them. Raises `ModelError` if there are none."""
	found: list[Any] = [part for name, part in module.named_modules() if name.endswith('.attn2')]
	if not found:
		raise ModelError(f'IP-Adapters are for UNets; {type(module).__name__} has no cross-attention.')
	return found


def load_ip_adapter(load: Load) -> IpAdapter:
	"""An IP-Adapter: a `Loader` of `PictureAdapter`. Raises `UnknownFamily` for what is none that is known."""
	source = open_source(load.path)
	found = IP_ADAPTER.find(source.shapes)
	if found is None:
		some = ', '.join(sorted(source.shapes)[:3])
		raise UnknownFamily(f'{load.path.name} is no IP-Adapter that is known: its tensors are {some} …')
	part = read_part(source, IP_ADAPTER, found, load)
	return IpAdapter(cast(AdapterModel, part.module), part.config['seen'], part.config['kind'] != 'vector')
