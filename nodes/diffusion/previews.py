"""Small pictures of latents while they are made: by a tiny autoencoder, or a linear map from latent channels to colours.

`Previews` makes them in a thread of its own, and not often, so that sampling does not wait for them.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from threading import Thread
from types import TracebackType
from typing import Self

import torch
from PIL import Image
from torch import Tensor

from nodes.diffusion.latents import LatentFormat
from nodes.values import AutoEncoder, Latent


def picture(latent: Tensor, rgb: Sequence[Sequence[float]], *, size: int = 256) -> Image.Image:
	"""The first latent of a batch [batch, channels, h, w], in the model's scale, as an RGB picture.

	`rgb` see `latents.LatentFormat`. The longer side is brought to
	at most `size` pixels.
	"""
	table = latent.new_tensor(rgb)
	colours = latent[0].float().movedim(0, -1) @ table[:-1] + table[-1]
	levels = ((colours + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
	small = Image.fromarray(levels.cpu().numpy(), 'RGB')
	factor = max(1, size // max(small.size))
	grown = small.resize((small.width * factor, small.height * factor), Image.Resampling.BILINEAR)
	grown.thumbnail((size, size))
	return grown


def decoded(latent: Tensor, latents: LatentFormat, vae: AutoEncoder, *, size: int = 512) -> Image.Image:
	"""The first latent of a batch [batch, channels, h, w], in the model's scale, as a (tiny) autoencoder draws it.

	The longer side is brought to at most `size` pixels; of what is larger, latent values are averaged before.
	"""
	one = latents.process_out(latent[:1].float())
	sides = [side * vae.factor for side in one.shape[-2:]]
	if max(sides) > size:
		height, width = (max(1, side * size // max(sides) // vae.factor) for side in sides)
		one = torch.nn.functional.adaptive_avg_pool2d(one, (height, width))
	pixels = vae.decode(Latent(one)).pixels[0]
	drawn = Image.fromarray((pixels * 255).round().to(torch.uint8).cpu().numpy(), 'RGB')
	drawn.thumbnail((size, size))
	return drawn


SHARE = 0.01
"""The part of the time that previews may take."""
FASTEST = 0.1
"""Seconds between previews, at least."""

log = logging.getLogger(__name__)


class Previews:
	"""Shows what is being made: `with Previews(draw, show) as previews: … previews.offer(latent)`.

	`draw` makes a picture of a latent [1, channels, …], and `show` sends it; both are called in a thread of its own. A latent
	that comes while the last one is being drawn, or too soon after it, is passed over: so long that with the next one
	drawing has taken a hundredth of the time since the first, and at least a tenth of a second. Leaving waits for a picture
	that is being drawn; a failure to draw is logged, and is no failure of the job.
	"""

	def __init__(
		self,
		draw: Callable[[Tensor], Image.Image],
		show: Callable[[Image.Image], None],
		*,
		clock: Callable[[], float] = time.monotonic,
	) -> None:
		self._draw, self._show, self._clock = draw, show, clock
		self._thread: Thread | None = None
		self._next = -math.inf
		self._first: float | None = None
		self._spent = 0.0

	def __enter__(self) -> Self:
		return self

	def __exit__(
		self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
	) -> None:
		if self._thread is not None:
			self._thread.join()

	def offer(self, latent: Tensor) -> bool:
		"""Show the first latent of a batch if it is time to; whether it is."""
		if (self._thread is not None and self._thread.is_alive()) or self._clock() < self._next:
			return False
		self._thread = Thread(target=self._make, args=(latent[:1].detach().clone(),), name='preview', daemon=True)
		self._thread.start()
		return True

	def _make(self, latent: Tensor) -> None:
		began = self._clock()
		try:
			self._show(self._draw(latent))
		except Exception:
			log.warning('A preview could not be drawn.', exc_info=True)
		now = self._clock()
		if self._first is None:
			self._first = began
		self._spent += now - began
		self._next = max(now + FASTEST, self._first + (self._spent + (now - began)) / SHARE)
