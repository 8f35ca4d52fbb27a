"""What travels along the links between nodes.

Importing this module imports no torch: tensors are named only for the type checker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from engine.models import ModelRef
from engine.sockets import socket

if TYPE_CHECKING:
	from torch import Tensor

	from engine.models import ModelRef
	from nodes.diffusion.control.live import Controls
	from nodes.diffusion.control.residuals import Residuals
	from nodes.diffusion.gligen import Fusing, Gligen
	from nodes.diffusion.hooks import Hooks
	from nodes.diffusion.latents import LatentFormat
	from nodes.diffusion.parametrisation import Parametrisation
	from nodes.grounding_values import Grounding
	from nodes.vision_values import Variation


@socket('IMAGE')
@dataclass(frozen=True, eq=False)
class Images:
	"""Pictures: `pixels` is float32 [batch, height, width, channels], 0 to 1, three or four channels."""

	pixels: Tensor


@socket('MASK')
@dataclass(frozen=True, eq=False)
class Mask:
	"""Masks: `values` is float32 [batch, height, width], 0 to 1; 1 is what is masked."""

	values: Tensor


@socket('LATENT')
@dataclass(frozen=True, eq=False)
class Latent:
	"""Latent pictures: `samples` is float32 [batch, channels, height / 8, width / 8], not yet scaled for the model.

	`noise_mask` [batch, height, width] says where noise may act (1) in inpainting. `batch_index` has, for each, its place
	in the batch whose noise it is to get; None stands for 0, 1, 2 …
	"""

	samples: Tensor
	noise_mask: Tensor | None = None
	batch_index: tuple[int, ...] | None = None

	def with_samples(self, samples: Tensor) -> Latent:
		"""The same with other samples."""
		return replace(self, samples=samples)


@dataclass(frozen=True)
class Sizes:
	"""What Stable Diffusion XL is told of the picture, in pixels: its original size, what is cut off, the size it is to have.

	Where the target is None it is the original size. `aesthetic` is a score from 0 to 10, which the refiner hears; None is
	6 for what is wanted and 2.5 for what is not. Source: Podell et al. 2023, "SDXL", section 2.2.
	"""

	width: int
	height: int
	crop_x: int = 0
	crop_y: int = 0
	target_width: int | None = None
	target_height: int | None = None
	aesthetic: float | None = None


@dataclass(frozen=True)
class Area:
	"""A rectangle of a latent picture, in its values, or with `relative` in parts of its sides, 0 to 1."""

	height: float
	width: float
	y: float = 0.0
	x: float = 0.0
	relative: bool = False


@dataclass(frozen=True, eq=False)
class Scope:
	"""Where, when and how much a prompt counts.

	`area` is the part of the picture that is denoised by it alone; None is all of it. `strength` is its weight beside
	other prompts of its side. `mask` [batch, height, width] is its weight at each place, brought to the latent's size,
	times `mask_strength`; with `mask_bounds` the area is what the mask covers. It counts from the part `start` of the way
	to `end`: 0 is all noise, 1 is none.
	"""

	area: Area | None = None
	strength: float = 1.0
	mask: Tensor | None = None
	mask_strength: float = 1.0
	mask_bounds: bool = False
	start: float = 0.0
	end: float = 1.0


EVERYWHERE = Scope()


@dataclass(frozen=True, eq=False)
class ControlUse:
	"""A control network that steers a prompt by a picture.

	`hint` is float32 [batch, height, width, channels], 0 to 1, of any size; `strength` counts from 0; `start` and `end` are
	the part of the way, 0 to 1, on which it acts. `vae` encodes the hint for networks that take latents. `everywhere` says
	that negative prompts without any control are steered by it too. `mask` [batch, height, width] is 1 where networks that
	fill in are to do so; others take no notice of it.
	"""

	model: ModelRef[ControlNet]
	hint: Tensor
	strength: float = 1.0
	start: float = 0.0
	end: float = 1.0
	vae: ModelRef[AutoEncoder] | None = None
	everywhere: bool = False
	mask: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Prompt:
	"""One encoded prompt: `embedding` is float32 [1, tokens, width]; `pooled` [1, width] where the family has it.

	`token_mask` [1, tokens] is 1 where there is text and 0 where the embedding is only filled up; None if all counts.
	`sizes` are for Stable Diffusion XL; None is the size of the latent. `concat` [1, channels, h, w] is a latent to be laid
	beside the noisy one, in the wire's scale, and `concat_mask` [1, 1, h, w], in pixels, is 1 where it is to be painted
	over (inpainting). `guidance` is a distilled guidance strength (Flux), None for the model's default; `references`
	[1, channels, h, w] are latents to look at, in the wire's scale, and `reference_method` says how they are placed
	('offset', 'index', 'uxo', 'index_timestep_zero'; '' is the model's default). `controls` are the control networks that
	steer it besides; while a sampler runs, `live` are the same with their weights. `variations` are pictures to vary, for
	models that hear an embedded picture (unCLIP). `bias` [1, tokens + 1, tokens] is how much more than by itself each token,
	and in the last row each place of the picture, listens to each token, as is added to attention's logits (Flux).
	"""

	embedding: Tensor
	pooled: Tensor | None = None
	token_mask: Tensor | None = None
	sizes: Sizes | None = None
	concat: Tensor | None = None
	concat_mask: Tensor | None = None
	guidance: float | None = None
	references: tuple[Tensor, ...] = ()
	reference_method: str = ''
	scope: Scope = EVERYWHERE
	controls: tuple[ControlUse, ...] = ()
	live: Controls | None = None
	variations: tuple[Variation, ...] = ()
	bias: Tensor | None = None
	grounding: Grounding | None = None
	grounder: Gligen | None = None
	deep: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Scene:
	"""What a network may need to know of the sampling besides the prompt.

	`negative` says that the prompt tells what is not wanted. `clean` [batch, channels, h, w] is the latent that sampling
	begins with, in the model's scale; `mask` [batch, 1, …, h, w], as large as it, says where it may change (1), None if
	anywhere. `seed` is that of the noise.
	"""

	negative: bool = False
	clean: Tensor | None = None
	mask: Tensor | None = None
	seed: int = 0


NO_SCENE = Scene()
"""Nothing is known: a wanted prompt, and all may change."""


@dataclass(frozen=True, eq=False)
class ModelInputs:
	"""What a network takes besides a latent and its noise level; each tensor's first dimension is the batch.

	`embedding` [batch, tokens, width] is what it listens to, `pooled` [batch, width] one vector of the whole text.
	`token_mask` [batch, tokens] see `Prompt`. `sizes` [batch, numbers] are numbers on size and crop (SDXL), `guidance`
	[batch] a distilled guidance strength (Flux), `concat` [batch, channels, h, w] is laid beside the latent (inpainting),
	`references` are latents to look at, `places` [batch, 3 or 4] where each begins: its plane, row and column, in tokens,
	and whether it is taken for clean (1). What a family does not take is None. `controls` are control networks to ask, and
	`residuals` what they said. `bias` [batch, tokens + 1, tokens] see `Prompt`; `heard` are tokens [batch, tokens, width] for
	each IP-Adapter; `objects` are phrases in places [batch, tokens, width], heard by what is `fusing` them (GLIGEN).
	`prompts` is how many prompts are joined in the batch, each for the same latents; `mark` is one object for the same
	prompts at all looks of a run, wherever their tensors are.
	"""

	embedding: Tensor
	pooled: Tensor | None = None
	token_mask: Tensor | None = None
	sizes: Tensor | None = None
	guidance: Tensor | None = None
	concat: Tensor | None = None
	references: tuple[Tensor, ...] = ()
	controls: Controls | None = None
	residuals: Residuals | None = None
	prompts: int = 1
	places: tuple[Tensor, ...] = ()
	bias: Tensor | None = None
	heard: tuple[Tensor, ...] = ()
	objects: Tensor | None = None
	fusing: Fusing | None = None
	mark: object | None = None


@socket('CONDITIONING')
@dataclass(frozen=True, eq=False)
class Conditioning:
	"""What the picture is steered by: one or more encoded prompts, whose effects are averaged by their scopes."""

	prompts: tuple[Prompt, ...]

	def each(self, change: Callable[[Prompt], Prompt]) -> Conditioning:
		"""The same with every prompt changed."""
		return replace(self, prompts=tuple(change(prompt) for prompt in self.prompts))


OnStep = Callable[[int, int, 'Tensor'], None]
"""Called after each step with (steps done, steps in all, denoised latent [batch, channels, h, w], model's scale)."""


@socket('MODEL')
class DiffusionModel(Protocol):
	"""The network that denoises, with what it needs to know of noise levels and latents."""

	@property
	def nbytes(self) -> int: ...

	@property
	def family(self) -> str:
		"""The name of its family."""
		...

	@property
	def parametrisation(self) -> Parametrisation: ...

	@property
	def latents(self) -> LatentFormat: ...

	@property
	def hooks(self) -> Hooks:
		"""What changes how its guesses are guided."""
		...

	def inputs(self, prompt: Prompt, latent: Tensor, scene: Scene = NO_SCENE) -> ModelInputs:
		"""What the network is to hear of a prompt, for latents of this shape in the model's scale.

		As a batch of one, or of as many as the latents where the scene has as many.
		"""
		...

	def denoise(self, x: Tensor, sigma: Tensor, inputs: ModelInputs) -> Tensor:
		"""The clean latent as guessed at this noise.

		x is [batch, channels, h, w] in the model's own scale (`latents.process_in`); sigma is [batch]; same shape back.
		"""
		...


@dataclass(frozen=True, eq=False)
class Seen:
	"""A picture as a text encoder's eyes see it: float32 tokens [rows × columns, width], row by row."""

	tokens: Tensor
	rows: int
	columns: int


class TextEyes(Protocol):
	"""The part of a text encoder that sees."""

	@property
	def nbytes(self) -> int: ...

	def see(self, pictures: Sequence[Images]) -> Sequence[Seen]:
		"""Look at pictures, the first of each batch."""
		...


@socket('CLIP')
class TextEncoder(Protocol):
	"""Turns text into what the diffusion model listens to."""

	@property
	def nbytes(self) -> int: ...

	def encode(self, text: str, each: Mapping[str, str | None] | None = None) -> Conditioning:
		"""Encode a prompt; `(words:1.2)` raises and `(words:0.8)` lowers their weight.

		`each` gives some of several encoders, by names such as `clip_l`, a text of their own; one that gets None is left out.
		"""
		...

	def look(self, text: str, seen: Sequence[Seen]) -> Conditioning:
		"""Encode a prompt with pictures in it, as its eyes have seen them: each where the text says `<|image_pad|>`, in order.

		Raises `NodeUsage` for an encoder that cannot see.
		"""
		...

	def phrase(self, text: str) -> Tensor:
		"""One vector of a phrase, float32 [1, width]: what CLIP says of it as a whole, before any projection.

		Raises `NodeUsage` where there is no CLIP.
		"""
		...

	def at_layer(self, layer: int) -> TextEncoder:
		"""The same, listening to another layer of CLIP, counted from the end: −1 is the last."""
		...

	def padded(self, padding: int, least: int) -> TextEncoder:
		"""The same, in which T5 hears so much filling after each prompt, and at least so many tokens."""
		...

	def with_embeddings(self, read: Callable[[str], Mapping[str, Tensor] | None]) -> TextEncoder:
		"""The same, which asks `read` for the vectors that `embedding:name` stands for, by encoder ('' for any)."""
		...


@socket('VAE')
class AutoEncoder(Protocol):
	"""Turns pixels into latents and back."""

	@property
	def nbytes(self) -> int: ...

	@property
	def factor(self) -> int:
		"""Pixels per latent value along a side."""
		...

	def encode(self, images: Images) -> Latent:
		"""Pixels to latents; sides are cropped to a multiple of the VAE's factor (8)."""
		...

	def decode(self, latent: Latent) -> Images:
		"""Latents to pixels, 0 to 1."""
		...


@socket('CONTROL_NET')
class ControlNet(Protocol):
	"""A network that steers a denoiser by a picture."""

	@property
	def nbytes(self) -> int: ...

	@property
	def wants_latents(self) -> bool:
		"""Whether the picture is encoded by a VAE for it."""
		...

	@property
	def wants_mask(self) -> bool:
		"""Whether it fills in, and wants to know where: then the hint has a channel more, which is 1 where all stays."""
		...

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs, hint: Tensor) -> Residuals:
		"""What it says of x [batch, channels, h, w], scaled for the denoiser, at timestep [batch].

		hint is [batch, channels, height, width]: pixels 0 to 1, or latents in the model's scale.
		"""
		...


@socket('MODEL_PATCH')
class ModelPatch(Protocol):
	"""A network that works inside a denoiser, beside its own blocks."""

	@property
	def nbytes(self) -> int: ...


@socket('UPSCALE_MODEL')
class Upscaling(Protocol):
	"""A network that enlarges pictures."""

	@property
	def nbytes(self) -> int: ...

	def upscale(self, images: Images, *, tile: int = ..., on_tile: Callable[[int, int], None] = ...) -> Images:
		"""Each picture enlarged, in tiles of so many pixels a side; `on_tile` gets (tiles done, tiles in all)."""
		...
