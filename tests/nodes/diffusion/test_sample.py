"""What a KSampler does, on a Gaussian model (gaussian.py) and on a tiny real one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from engine.cancel import CancelToken
from engine.errors import JobCancelled, NodeUsage
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.names import SAMPLERS
from nodes.diffusion.parametrisation import training_sigmas
from nodes.diffusion.sample import sample, sigmas_for
from nodes.diffusion.samplers import SAMPLERS as FUNCTIONS
from nodes.diffusion.text.towers import Towers
from nodes.values import NO_SCENE, Conditioning, Latent, ModelInputs, Prompt, Scene
from tests.nodes.diffusion.gaussian import LEVELS, GaussianModel, prompt

TABLE = training_sigmas(steps=1000, beta_start=0.00085, beta_end=0.012, zero_terminal=False)
EMPTY = Latent(torch.zeros(1, 4, 8, 8))


def gaussian_sample(model: GaussianModel | None = None, latent: Latent = EMPTY, **changes: Any) -> Tensor:
	"""Sample with a mean of 1 asked for, in few steps, unless told otherwise."""
	settings: dict[str, Any] = {'seed': 1, 'steps': 4, 'cfg': 1.0, 'sampler': 'euler', 'scheduler': 'karras'}
	return sample(
		model or GaussianModel(),
		positive=Conditioning((prompt(1.0),)),
		negative=Conditioning((prompt(0.0),)),
		latent=latent,
		**(settings | changes),
	)


class TestSeed:
	@pytest.mark.parametrize('sampler', SAMPLERS)
	def test_equal_seeds_give_equal_latents(self, sampler: str, denoiser: Denoiser, text: Towers) -> None:
		"""To the last bit, with a real network; another seed gives another latent."""

		def run(seed: int) -> Tensor:
			return sample(
				denoiser,
				seed=seed,
				steps=3,
				cfg=3.0,
				sampler=sampler,
				scheduler='normal',
				positive=text.encode('a red cat'),
				negative=text.encode(''),
				latent=EMPTY,
			)

		first = run(5)

		assert first.shape == EMPTY.samples.shape
		assert bool(first.isfinite().all())
		assert torch.equal(first, run(5))
		assert not torch.equal(first, run(6))

	def test_the_noise_is_that_of_a_cpu_generator_with_the_seed(self) -> None:
		"""One step of Euler from the greatest sigma: the guess at noise of the size of signal and noise together."""
		noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(7))
		model = GaussianModel()
		sigma = TABLE[-1]
		x = noise * (sigma**2 + 1).sqrt()
		wanted = model.latents.process_out(model.denoise(x, sigma.expand(1), model.inputs(prompt(1.0), x)))

		assert torch.allclose(gaussian_sample(seed=7, steps=1), wanted, atol=1e-5)

	def test_fresh_noise_comes_from_a_generator_with_the_same_seed(self) -> None:
		"""So the first of it is the noise of the start, the second is new: as in ComfyUI."""
		generator = torch.Generator().manual_seed(7)
		first, second = (torch.randn(1, 4, 8, 8, generator=generator) for _ in range(2))
		seen: list[Tensor] = []

		class Watching(GaussianModel):
			def denoise(self, x: Tensor, sigma: Tensor, inputs: ModelInputs) -> Tensor:
				seen.append(x)
				return torch.zeros_like(x)

		gaussian_sample(Watching(), sampler='lcm', steps=3, seed=7)

		for x, noise in zip(seen, (first, first, second), strict=True):
			assert torch.allclose(x / x.std(), noise / noise.std(), atol=1e-5)

	def test_the_greatest_seed_is_a_seed(self) -> None:
		"""2⁶⁴ − 1, for all the noise there is."""
		assert bool(gaussian_sample(sampler='euler_ancestral', seed=2**64 - 1).isfinite().all())

	@pytest.mark.parametrize('zero_terminal', [False, True])
	def test_the_target_is_drawn_from(self, zero_terminal: bool) -> None:
		"""Many values in enough steps have the target's mean and spread, in the wire's scale."""
		latent = Latent(torch.zeros(2, 4, 50, 50))
		model = GaussianModel(zero_terminal=zero_terminal)
		samples = gaussian_sample(model, latent, steps=30, sampler='heun', scheduler='simple')

		assert float(samples.mean()) == pytest.approx(1.0 / 2, abs=0.03)
		assert float(samples.std()) == pytest.approx(0.7 / 2, rel=0.05)


class TestDenoiseStrength:
	def test_zero_gives_the_latent_back(self) -> None:
		"""Untouched, and without a look of the network."""
		model = GaussianModel()
		latent = Latent(torch.randn(1, 4, 8, 8))

		assert torch.equal(gaussian_sample(model, latent, denoise=0.0), latent.samples)
		assert model.batches == []

	def test_a_part_is_the_end_of_a_longer_schedule(self) -> None:
		"""Half of the noise in four steps: the last four of eight."""
		half = sigmas_for(LEVELS, steps=4, scheduler='karras', denoise=0.5)

		assert torch.equal(half, sigmas_for(LEVELS, steps=8, scheduler='karras')[-5:])

	def test_a_part_starts_from_the_latent(self) -> None:
		"""With the little noise of the least sigma, the latent stays nearly what it was."""
		latent = Latent(torch.randn(1, 4, 8, 8))
		samples = gaussian_sample(latent=latent, steps=1, scheduler='normal', denoise=0.01)

		assert float((samples - latent.samples).abs().max()) < 0.1

	def test_uni_pc_leaves_the_last_sigma_out(self) -> None:
		"""One more is planned, and the least before zero is skipped; the number of steps is kept."""
		planned = sigmas_for(LEVELS, steps=5, scheduler='karras')
		sigmas = sigmas_for(LEVELS, steps=4, scheduler='karras', sampler='uni_pc')

		assert torch.equal(sigmas, planned[[0, 1, 2, 3, 5]])


class TestNoiseMask:
	MASK = torch.zeros(1, 64, 64)
	MASK[:, :, 32:] = 1

	def test_only_the_masked_part_changes(self) -> None:
		"""Where the mask is 0 the latent comes back; where it is 1 the model's own comes."""
		latent = Latent(torch.full((2, 4, 8, 8), 5.0), self.MASK)
		samples = gaussian_sample(latent=latent, steps=20)

		assert torch.allclose(samples[..., :3], latent.samples[..., :3], atol=1e-4)
		assert float(samples[..., 5:].mean()) == pytest.approx(0.5, abs=0.2)

	def test_masks_of_a_batch_go_to_their_latents(self) -> None:
		"""The second latent has a mask of nothing."""
		mask = torch.cat([torch.ones(1, 64, 64), torch.zeros(1, 64, 64)])
		samples = gaussian_sample(latent=Latent(torch.full((2, 4, 8, 8), 5.0), mask))

		assert float((samples[0] - 5).abs().min()) > 1
		assert torch.allclose(samples[1], torch.full((4, 8, 8), 5.0), atol=1e-4)

	def test_networks_see_the_mask_that_counts(self) -> None:
		"""Stretched to the latent, whatever its proportions, and one for each of the batch."""
		seen: list[Tensor | None] = []

		class Seeing(GaussianModel):
			def inputs(self, prompt: Prompt, latent: Tensor, scene: Scene = NO_SCENE) -> ModelInputs:
				seen.append(scene.mask)
				return super().inputs(prompt, latent, scene)

		mask = torch.zeros(1, 8, 32)
		mask[..., 16:] = 1
		gaussian_sample(Seeing(), Latent(torch.zeros(2, 4, 8, 8), mask))
		wanted = torch.tensor([0.0] * 4 + [1.0] * 4).expand(2, 1, 8, 8)

		assert seen
		assert all(one is not None and torch.equal(one, wanted) for one in seen)


class TestSteps:
	def test_steps_are_told_with_guesses(self) -> None:
		"""(done, total, denoised) for previews and progress."""
		seen: list[tuple[int, int, torch.Size]] = []
		gaussian_sample(steps=3, on_step=lambda done, total, guess: seen.append((done, total, guess.shape)))

		assert seen == [(done, 3, EMPTY.samples.shape) for done in (1, 2, 3)]

	@pytest.mark.parametrize('sampler', FUNCTIONS)
	def test_cancel_in_the_middle_stops_at_the_next_look(self, sampler: str) -> None:
		"""`JobCancelled` leaves the sampler before the network is asked again."""
		model, cancel = GaussianModel(), CancelToken()

		with pytest.raises(JobCancelled):
			gaussian_sample(
				model,
				steps=20,
				sampler=sampler,
				on_step=lambda done, total, denoised: cancel.cancel(),
				check_cancelled=cancel.check,
			)

		assert len(model.batches) <= 3


class TestNames:
	@pytest.mark.parametrize(('field', 'known'), [('sampler', 'euler'), ('scheduler', 'simple')])
	def test_unknown_names_are_refused(self, field: str, known: str) -> None:
		"""The error lists those that there are."""
		with pytest.raises(NodeUsage, match=f"no {field} 'magic'; there are: .*{known}"):
			gaussian_sample(GaussianModel(), EMPTY, **{field: 'magic'})


class TestFitting:
	@pytest.mark.parametrize(('channels', 'side', 'wanted'), [(16, 8, 8), (128, 4, 8), (4, 8, 8)])
	def test_empty_latents_become_the_model_s(self, channels: int, side: int, wanted: int) -> None:
		"""Of as many pixels: one of 128 channels has a value for 16 × 16. A mask stays with it, and noise is the same."""
		mask = torch.ones(1, 8, 8)
		found = gaussian_sample(latent=Latent(torch.zeros(1, channels, side, side), mask))

		assert found.shape == (1, 4, wanted, wanted)
		assert torch.equal(found, gaussian_sample(latent=Latent(EMPTY.samples, mask)))

	def test_others_are_refused(self) -> None:
		"""With what to do."""
		with pytest.raises(NodeUsage, match=r'has 16 channels, and the model makes latents of 4.*own VAE'):
			gaussian_sample(latent=Latent(torch.ones(1, 16, 8, 8)))
