"""Small pictures of latents."""

from __future__ import annotations

from threading import Event, current_thread

import pytest
import torch
from PIL import Image
from torch import Tensor

from nodes.diffusion.families.sd1 import SD1
from nodes.diffusion.previews import Previews, picture

RED = ((1.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, -1.0, -1.0))  # two channels, then what is added


class TestPicture:
	def test_channels_become_colours(self) -> None:
		"""Channel 0 is red; green and blue are at their least."""
		latent = torch.tensor([1.0, 0.5]).reshape(1, 2, 1, 1).expand(3, 2, 2, 2)

		assert picture(latent, RED, size=2).getpixel((0, 0)) == (255, 0, 0)

	def test_colours_are_cut_to_their_range(self) -> None:
		"""Early guesses go far beyond it."""
		latent = torch.tensor([-9.0, 0.0]).reshape(1, 2, 1, 1).expand(1, 2, 2, 2)

		assert picture(latent, RED, size=2).getpixel((0, 0)) == (0, 0, 0)

	def test_the_longer_side_is_brought_to_the_size(self) -> None:
		"""Small latents grow by a whole factor, great ones shrink."""
		rgb = SD1.latents.rgb

		assert picture(torch.zeros(1, 4, 32, 64), rgb, size=128).size == (128, 64)
		assert picture(torch.zeros(1, 4, 300, 600), rgb, size=128).size == (128, 64)
		assert picture(torch.zeros(1, 4, 60, 100), rgb, size=128).mode == 'RGB'


class Clock:
	"""A clock that is set."""

	def __init__(self) -> None:
		self.now = 0.0

	def __call__(self) -> float:
		return self.now


class TestPreviews:
	LATENT = torch.ones(2, 2, 4, 4)

	def test_pictures_are_made_in_a_thread_of_their_own(self) -> None:
		"""While one is being drawn, further latents are passed over; leaving waits for it."""
		go, threads = Event(), []
		shown: list[Image.Image] = []

		def draw(latent: Tensor) -> Image.Image:
			assert go.wait(10)
			threads.append(current_thread())
			return picture(latent, RED, size=4)

		with Previews(draw, shown.append, clock=Clock()) as previews:
			taken = [previews.offer(self.LATENT) for _ in range(3)]
			go.set()

		assert taken == [True, False, False]
		assert len(shown) == 1
		assert current_thread() not in threads

	@pytest.mark.parametrize(('seconds', 'times'), [(0.0, (0.1, 0.2)), (0.05, (10.0, 15.0))])
	def test_drawing_takes_a_hundredth_of_the_time_at_most(self, seconds: float, times: tuple[float, float]) -> None:
		"""Together with the one that is begun, from the second on; and a tenth of a second is between them at least."""
		clock = Clock()

		def draw(latent: Tensor) -> Image.Image:
			clock.now += seconds
			return picture(latent, RED, size=4)

		previews = Previews(draw, lambda image: None, clock=clock)
		taken = []
		for now in (0.0, times[0] - 0.01, times[0] + 0.01, times[1] - 0.01, times[1] + 0.02):
			clock.now = now
			with previews:
				taken.append(previews.offer(self.LATENT))

		assert taken == [True, False, True, False, True]

	def test_what_is_drawn_is_the_latent_of_the_offer(self) -> None:
		"""A sampler may go on with the same tensor."""
		seen: list[Tensor] = []
		go = Event()
		latent = self.LATENT.clone()

		def draw(latent: Tensor) -> Image.Image:
			assert go.wait(10)
			seen.append(latent)
			return picture(latent, RED, size=4)

		with Previews(draw, lambda image: None) as previews:
			previews.offer(latent)
			latent.zero_()
			go.set()

		assert torch.equal(seen[0], torch.ones(1, 2, 4, 4))

	def test_a_preview_that_fails_harms_nothing(self) -> None:
		"""The job goes on, and the next one is tried."""
		clock = Clock()
		previews = Previews(lambda latent: picture(latent, ((0.0,) * 3,), size=4), lambda image: None, clock=clock)
		with previews:
			previews.offer(self.LATENT)
		clock.now = 1.0

		with previews:
			assert previews.offer(self.LATENT)
