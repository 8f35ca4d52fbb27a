"""ControlNets of DiffSynth for Qwen-Image: a small network beside each block of the transformer, which hears a picture.

Source: ModelScope 2025, DiffSynth-Studio, "Qwen-Image-Blockwise-ControlNet".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.hooks import RemovableHandle

from engine.errors import NodeUsage, UnknownFamily
from engine.models import Load, Place
from nodes.diffusion.altered import Altered
from nodes.diffusion.building import built, filled, same_names
from nodes.diffusion.control.hints import repeated
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.files import open_source, torch_dtype
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.layouts.pieces import blocks
from nodes.diffusion.moving import move
from nodes.diffusion.networks import Network
from nodes.diffusion.networks.patches import PATCH, packed
from nodes.diffusion.precision import resolved
from nodes.diffusion.whereabouts import dtype_of, place_of
from nodes.pixels.scale import resize, resize_pictures
from nodes.values import NO_SCENE, AutoEncoder, Images, ModelInputs, Prompt, Scene

TITLE = 'blockwise ControlNet'
FAMILY = 'qwen-image'
MARK = 'controlnet_blocks.0.y_rms.weight'
"""The tensor by which such a file is known."""
EPSILON = 1e-6


class ControlBlock(nn.Module):
	"""What is added behind one block of the transformer."""

	def __init__(self, width: int) -> None:
		super().__init__()
		self.x_rms = nn.RMSNorm(width, EPSILON)
		self.y_rms = nn.RMSNorm(width, EPSILON)
		self.input_proj = nn.Linear(width, width)
		self.output_proj = nn.Linear(width, width)

	def forward(self, x: Tensor, hint: Tensor) -> Tensor:
		"""The transformer's tokens and those of the hint, both [batch, tokens, width]; the same shape back."""
		said: Tensor = self.output_proj(functional.gelu(self.input_proj(self.x_rms(x) + self.y_rms(hint))))
		return said


class BlockwiseModule(nn.Module):
	"""The whole network: tokens of `channels` numbers come in; so many blocks of this width."""

	def __init__(self, *, channels: int, width: int, count: int) -> None:
		super().__init__()
		self.img_in = nn.Linear(channels, width)
		self.controlnet_blocks = nn.ModuleList(ControlBlock(width) for _ in range(count))


@dataclass(frozen=True, eq=False)
class BlockwiseControl:
	"""A loaded blockwise ControlNet: a `ModelPatch`."""

	module: BlockwiseModule

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held."""
		return sum(weight.nbytes for weight in self.module.parameters())

	def move(self, place: Place) -> None:
		"""See `Movable`."""
		move(self.module, place)

	def tokens(self, latent: Tensor, kept: Tensor | None) -> Tensor:
		"""A hint's latent [batch, channels, h, w], in the model's scale, as tokens [batch, tokens, width].

		Where the network fills in, `kept` [batch, 1, h, w] is 1 where the picture stays; None is everywhere.
		"""
		more = self.module.img_in.in_features // PATCH**2 - latent.shape[1]
		if more < 0:
			raise NodeUsage(
				f'This {TITLE} takes latents of {latent.shape[1] + more} channels; those of the VAE have '
				f'{latent.shape[1]}. Link the VAE of Qwen-Image.'
			)
		if more:
			mask = torch.ones_like(latent[:, :more]) if kept is None else kept.to(latent)
			latent = torch.cat([latent, mask.expand(len(latent), more, -1, -1)], dim=1)
		return cast(Tensor, self.module.img_in(packed(latent).to(place_of(self.module), dtype_of(self.module))))


@dataclass(frozen=True, eq=False)
class Hint:
	"""What a blockwise ControlNet is shown.

	`pixels` is float32 [batch, height, width, channels], 0 to 1; `mask` [batch, height, width] is 1 where to fill in.
	"""

	pixels: Tensor
	mask: Tensor | None
	vae: AutoEncoder
	latents: LatentFormat

	def latent(self, height: int, width: int) -> Tensor:
		"""As a latent of this size, in the model's scale; a picture of another size is cut to the aspect and scaled."""
		high, wide = height * self.vae.factor, width * self.vae.factor
		pixels = self.pixels[..., :3]
		if pixels.shape[1:3] != (high, wide):
			pixels = resize_pictures(pixels, wide, high, 'area', 'center')
		return self.latents.process_in(self.vae.encode(Images(pixels)).samples)

	def kept(self, height: int, width: int) -> Tensor | None:
		"""Where the picture stays (1), [batch, 1, height, width]."""
		return None if self.mask is None else resize(1 - self.mask[:, None], width, height, 'bilinear')


@dataclass(frozen=True, eq=False)
class Steered:
	"""A transformer behind whose blocks a blockwise ControlNet adds, so many times: a `Network`."""

	network: Network
	control: BlockwiseControl
	hint: Hint
	strength: float
	_tokens: dict[tuple[int, int], Tensor] = field(default_factory=dict, repr=False)

	@property
	def module(self) -> nn.Module:
		"""Where the transformer's weights are."""
		return self.network.module

	def around(self, module: nn.Module) -> Steered:
		"""See `Network`."""
		return replace(self, network=self.network.around(module))

	def inputs(self, prompt: Prompt, latent: Tensor, scene: Scene = NO_SCENE) -> ModelInputs:
		"""See `Network`."""
		return self.network.inputs(prompt, latent, scene)

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs) -> Tensor:
		"""See `Network`. The hint is encoded once for each size."""
		size = (x.shape[-2], x.shape[-1])
		if size not in self._tokens:
			self._tokens[size] = self.control.tokens(self.hint.latent(*size), self.hint.kept(*size))
		tokens = repeated(self._tokens[size], len(x), inputs.prompts)
		return Altered(self.network, Adding(self.control.module, tokens, self.strength))(x, timestep, inputs)


@dataclass(frozen=True, eq=False)
class Adding:
	"""Adds behind each block what its control block says of the picture's tokens: an `Attach`."""

	control: BlockwiseModule
	tokens: Tensor
	strength: float

	def __call__(self, module: nn.Module) -> Iterator[RemovableHandle]:
		"""See `Attach`."""
		transformer = cast(Any, module).transformer_blocks
		for block, beside in zip(transformer, self.control.controlnet_blocks, strict=False):
			yield block.register_forward_hook(self._after(beside))

	def _after(self, beside: nn.Module) -> Any:
		def added(block: nn.Module, args: object, output: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
			text, picture = output
			count = self.tokens.shape[1]  # references follow the picture
			own = picture[:, :count]
			said = (
				beside(own.to(self.tokens), self.tokens).to(own) * self.strength
			)  # in the patch's place and precision
			return text, torch.cat([own + said, picture[:, count:]], dim=1)

		return added


def steered(
	model: Denoiser, control: BlockwiseControl, vae: AutoEncoder, pixels: Tensor, mask: Tensor | None, strength: float
) -> Denoiser:
	"""The same model, steered. Raises `NodeUsage` for one of another family or size."""
	if model.family != FAMILY:
		raise NodeUsage(f'A {TITLE} steers Qwen-Image; this model is of the family {model.family!r}.')
	width = control.module.img_in.out_features
	own = cast(nn.Linear, model.network.module.get_submodule('img_in')).out_features
	if width != own:
		raise NodeUsage(f'This {TITLE} is for transformers of width {width}; that of the model is {own}.')
	hint = Hint(pixels, mask, vae, model.latents)
	return replace(model, network=Steered(model.network, control, hint, strength))


def load_patch(load: Load) -> BlockwiseControl:
	"""A file of models/model_patches: a `Loader` of `ModelPatch`. Raises `UnknownFamily` for what is none that is known."""
	source = open_source(load.path)
	if MARK not in source.shapes or 'img_in.weight' not in source.shapes:
		some = ', '.join(sorted(source.shapes)[:3])
		raise UnknownFamily(f'{load.path.name} is no model patch that can be run: its tensors are {some} …')
	config = _config(source.shapes)
	module = built(lambda: BlockwiseModule(**config), load.path, TITLE)
	# In the precision of the transformer that it works in.
	beside = replace(load, part='denoiser')
	dtype = torch_dtype(resolved(beside, FAMILY, sum(weight.numel() for weight in module.parameters())))
	filled(module, source, same_names(module), part=TITLE, load=load, dtype=dtype)
	return BlockwiseControl(module)


def _config(shapes: Mapping[str, Sequence[int]]) -> dict[str, int]:
	width, channels = shapes['img_in.weight']
	return {
		'channels': channels,
		'width': width,
		'count': blocks({name: tuple(shape) for name, shape in shapes.items()}, 'controlnet_blocks'),
	}
