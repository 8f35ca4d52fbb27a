"""Room to sample in: a model leased with memory to work in, its prompts in as few passes as that allows."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from engine.errors import ModelError, OutOfDeviceMemory
from engine.spec import Context
from nodes.known import family_of, width_of
from nodes.load import tiny_decoder
from nodes.steering import BasicGuider, CfgGuider, DualCfgGuider, Guider, PerpNegGuider, TwoModelsGuider
from nodes.values import Conditioning, DiffusionModel, Latent, OnStep, Prompt

if TYPE_CHECKING:
	from PIL import Image
	from torch import Tensor

	from nodes.diffusion.latents import LatentFormat

log = logging.getLogger(__name__)
TINY_BYTES = 2**27
"""Room for a tiny VAE and what it draws, without which previews do without it."""

BOTH_SIDES = '_cfg_pp'
"""Samplers of such names look at both sides, whatever the guidance."""

G = TypeVar('G', bound=Guider)


@dataclass(frozen=True, eq=False)
class Ready(Generic[G]):
	"""What sampling needs, leased: the model, the guider with its control networks, and what to call after each step.

	`places` is how large a pass of the network may be: see `nodes.diffusion.guidance.Sides`. `unwanted` is the guider's
	other model, if it has one.
	"""

	model: DiffusionModel
	guider: G
	places: int | None
	unwanted: DiffusionModel | None
	on_step: OnStep


@contextmanager
def ready(context: Context, guider: G, latent: Latent, sampler: str = '') -> Iterator[Ready[G]]:
	"""Lease all that it takes to sample such a latent.

	Control networks come first: what they leave is the model's. All prompts are looked at in one pass if there is room for
	that beside the whole model, else in as few as there is room for, and people are told so; if there is not room for one
	either, the model is streamed. Raises `OutOfDeviceMemory` if nothing of it can be.
	"""
	from nodes.diffusion.control.leasing import guider_controlled

	with ExitStack() as leases:
		steering = leases.enter_context(guider_controlled(context.models, guider))
		prompts = looked_at(guider, sampler)
		model, together = _leased(context, leases, guider, latent, prompts)
		batch, _, *_, height, width = latent.samples.shape
		places = None if together == len(prompts) else together * batch * height * width
		other = (
			leases.enter_context(context.models.use(guider.unwanted)) if isinstance(guider, TwoModelsGuider) else None
		)
		yield Ready(model, steering, places, other, leases.enter_context(watched(context, model)))


def looked_at(guider: Guider, sampler: str = '') -> list[Prompt]:
	"""The prompts that a step looks at: those of the negative side only if they can count."""
	match guider:
		case TwoModelsGuider():
			sides = [guider.positive, guider.negative]
		case CfgGuider():
			sides = [guider.positive, guider.negative]
			# A setting may want both sides in any case.
			if math.isclose(guider.cfg, 1.0) and not guider.model.settings and BOTH_SIDES not in sampler:
				sides.pop()
		case DualCfgGuider():
			sides = [guider.positive, guider.middle, guider.negative]
		case PerpNegGuider():
			sides = [guider.positive, guider.negative, guider.empty]
		case BasicGuider():
			sides = [guider.positive]
		case _:
			sides = list[Conditioning]()
	return [prompt for side in sides for prompt in side.prompts]


def _leased(
	context: Context, leases: ExitStack, guider: Guider, latent: Latent, prompts: list[Prompt]
) -> tuple[DiffusionModel, int]:
	"""The model, and how many prompts there is room for at once."""
	from nodes.diffusion.working import sampling_bytes

	shape, family = latent.samples.shape, family_of(context, guider.model)
	each = width_of(context, guider.model)
	controls = max((len(prompt.controls) for prompt in prompts), default=0)
	encodes = any(use.vae is not None for prompt in prompts for use in prompt.controls)

	def working(together: int) -> int:
		return sampling_bytes(shape, family, prompts=together, controls=controls, encodes=encodes, each=each)

	count = len(prompts)
	# As many as a number of passes needs: three prompts in two passes are two at once.
	choices = list(dict.fromkeys(-(-count // passes) for passes in range(1, count + 1))) or [0]
	whole = [together for together in choices if context.models.has_room(guider.model, working(together))]
	tries = choices[-1:] if context.models.is_sparing else [*whole, *choices]
	while True:
		together = tries.pop(0)
		try:
			model = leases.enter_context(context.models.use(guider.model, working_bytes=working(together)))
		except OutOfDeviceMemory:
			if not tries:
				raise
			continue
		if together < count:
			log.info('%d prompts are looked at %d at a time: there is not room for more.', count, together)
			context.note(f'There is not room to look at {count} prompts at once: {together} at a time.')
		return model, together


@contextmanager
def watched(context: Context, model: DiffusionModel) -> Iterator[OnStep]:
	"""What to call after each step: tells progress, and shows previews where they are wanted and can be drawn."""
	from nodes.diffusion.previews import Previews

	with _drawing(context, model.latents) as draw:
		if draw is None:
			yield lambda done, total, denoised: context.progress(done, total, phase='step')
			return
		with Previews(draw, context.preview) as previews:

			def on_step(done: int, total: int, denoised: Tensor) -> None:
				previews.offer(denoised)
				context.progress(done, total, phase='step')

			yield on_step


@contextmanager
def _drawing(context: Context, latents: LatentFormat) -> Iterator[Callable[[Tensor], Image.Image] | None]:
	"""What draws latents as the job wants them: a tiny VAE, if its decoder is there and there is room, or colours."""
	from nodes.diffusion.previews import decoded, picture

	method = context.job.previews
	if method == 'none':
		yield None
		return
	rgb = latents.rgb
	tiny = None if method == 'latent2rgb' else tiny_decoder(context.catalogue, latents.tiny)
	if method == 'taesd' and tiny is None:
		name = f'{latents.tiny}_decoder' if latents.tiny else 'one for this family of models'
		log.warning('Previews are drawn by colours: there is no tiny VAE, %s, in models/vae_approx.', name)
	with ExitStack() as leases:
		if tiny is not None and context.models.has_room(tiny, TINY_BYTES):
			try:
				vae = leases.enter_context(context.models.use(tiny))
			except ModelError as error:
				log.warning('Previews are drawn without the tiny VAE: %s', error)
			else:
				yield lambda latent: decoded(latent, latents, vae)
				return
		yield (lambda latent: picture(latent, rgb)) if rgb else None
