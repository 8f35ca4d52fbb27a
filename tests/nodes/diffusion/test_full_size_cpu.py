"""How far results in bfloat16 on the CPU are from those in float32, in full size. Needs 8 GB of memory."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.models import Load
from nodes.diffusion.checkpoint import load_autoencoder, load_denoiser
from nodes.diffusion.control.controlnet import UNetControl
from nodes.diffusion.control.loading import load_control
from nodes.diffusion.cpu import has_bfloat16
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.whereabouts import dtype_of
from nodes.values import Latent, ModelInputs, Prompt
from tests.benchmarks import full_size

pytestmark = [
	pytest.mark.full_size,
	pytest.mark.skipif(not has_bfloat16(), reason='the processor has no bfloat16'),
]

STEP, RUN, CONTROL, DECODED, ENCODED = 0.02, 0.04, 0.03, 0.02, 0.03
"""Tolerances: the largest part of its norm by which a result may be off."""

SIGMAS = (14.6, 7.5, 4.1, 2.4, 1.4, 0.85, 0.5, 0.25, 0.0)


@pytest.fixture(scope='module')
def sd15(tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""Stable Diffusion 1.5 with random weights, as `python -m tests.benchmarks.full_size` describes them."""
	path = tmp_path_factory.mktemp('sd15') / 'sd15.safetensors'
	full_size.write(path, full_size.sd15_shapes())
	return path


def far(found: Tensor, expected: Tensor) -> float:
	return float((found - expected).norm() / expected.norm())


def noise(*shape: int) -> Tensor:
	return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def both(denoiser: Denoiser) -> tuple[Tensor, Tensor]:
	"""What the network says of noise once, and where eight Euler steps with guidance end."""
	prompts = noise(2, 77, 768)
	inputs = denoiser.inputs(Prompt(prompts), noise(1, 4, 16, 16))
	x = noise(1, 4, 16, 16) * SIGMAS[0]
	said = denoiser.network(noise(2, 4, 16, 16), torch.tensor([500.0, 500.0]), inputs)
	for sigma, lower in pairwise(SIGMAS):
		wanted, unwanted = denoiser.denoise(x.repeat(2, 1, 1, 1), torch.full((2,), sigma), inputs)
		clean = unwanted + 7.0 * (wanted - unwanted)
		x = x + (x - clean) / sigma * (lower - sigma)
	return said, x


def test_denoising(sd15: Path) -> None:
	"""Within the tolerance that the README tells; `auto` is bfloat16."""
	with torch.inference_mode():
		exact = both(load_denoiser(Load((sd15,), 'denoiser', exact=True)))
		denoiser = load_denoiser(Load((sd15,), 'denoiser'))
		found = both(denoiser)
	off = [far(mine, its) for mine, its in zip(found, exact, strict=True)]
	print(f'one step is off by {off[0]:.4f}, eight by {off[1]:.4f} of the norm')

	assert next(denoiser.network.module.parameters()).dtype == torch.bfloat16
	assert 0 < off[0] < STEP
	assert 0 < off[1] < RUN


def test_control(tmp_path: Path) -> None:
	"""What a ControlNet has added to the UNet's way, all of it together."""
	path = tmp_path / 'control.safetensors'
	full_size.write(path, full_size.sd15_control_shapes())
	said = []
	for exact in (True, False):
		net = load_control(Load((path,), 'controlnet', exact=exact))
		assert isinstance(net, UNetControl)
		assert dtype_of(net.module) == (torch.float32 if exact else torch.bfloat16)
		with torch.inference_mode():
			found = net(
				noise(2, 4, 16, 16), torch.full((2,), 500.0), ModelInputs(noise(2, 77, 768)), noise(2, 3, 128, 128)
			)
		assert found.middle is not None
		said.append(torch.cat([one.flatten() for one in (*found.down, found.middle)]))
	off = far(said[1], said[0])
	print(f'control is off by {off:.4f} of the norm')

	assert 0 < off < CONTROL


def test_decoding_and_encoding(sd15: Path) -> None:
	"""Pictures too, there and back."""
	exact = load_autoencoder(Load((sd15,), 'vae', exact=True))
	found = load_autoencoder(Load((sd15,), 'vae'))
	latent = Latent(noise(1, 4, 16, 16))
	pictures = [vae.decode(latent) for vae in (exact, found)]
	latents = [vae.encode(pictures[0]).samples for vae in (exact, found)]
	off = far(pictures[1].pixels, pictures[0].pixels), far(latents[1], latents[0])
	print(f'decoded is off by {off[0]:.4f}, encoded by {off[1]:.4f} of the norm')

	assert 0 < off[0] < DECODED
	assert 0 < off[1] < ENCODED
