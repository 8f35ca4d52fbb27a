"""ControlNets of Flux in diffusers' layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import torch
from diffusers.models.controlnets.controlnet_flux import FluxControlNetModel
from safetensors.torch import save_file
from torch import Tensor

from engine.errors import UnknownFamily
from engine.facts import recognise
from engine.models import FileDigest, Load, ModelRef
from nodes.diffusion.control.flux import FluxControl
from nodes.diffusion.control.live import Control, Controls
from nodes.diffusion.control.loading import load_control
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.families import find_denoiser
from nodes.diffusion.families.flux import FLUX_LATENTS
from nodes.diffusion.families.flux import network as flux_network
from nodes.diffusion.marks import MARKS
from nodes.diffusion.networks.patches import packed, positions, unpacked
from nodes.diffusion.parametrisation import Flow
from nodes.values import ControlNet, ControlUse, Images, ModelInputs, Prompt
from tests.nodes.diffusion.control.test_blockwise import Halves, picture
from tests.nodes.diffusion.patches.conftest import noise
from tests.tiny_transformers import NETWORKS

KIND = 'flux'
CONFIG = NETWORKS[KIND].config
REF = ModelRef[ControlNet](FileDigest('net'), 'controlnet')
X, SIGMA = noise(1, 16, 6, 8), torch.tensor([0.7])
EMBEDDING = noise(1, 5, CONFIG['joint_attention_dim'])
POOLED = noise(1, CONFIG['pooled_projection_dim'], seed=2)


def controlnet(*, single: int = 1, guidance: bool = True, modes: int | None = None) -> torch.nn.Module:
	"""A tiny one none of whose weights is nought."""
	config = {name: value for name, value in CONFIG.items() if name != 'out_channels'}
	changes = {'num_single_layers': single, 'guidance_embeds': guidance, 'num_mode': modes}
	with torch.random.fork_rng(devices=[]):
		torch.manual_seed(3)
		made = cast(Any, FluxControlNetModel)(**{**config, **changes})
		for weight in made.parameters():
			torch.nn.init.normal_(weight, std=0.1)
	module: torch.nn.Module = made.eval().requires_grad_(False)
	return module


def loaded(path: Path, module: torch.nn.Module) -> FluxControl:
	"""The same from a file."""
	save_file(module.state_dict(), path)
	net = load_control(Load((path,), 'controlnet'))
	assert isinstance(net, FluxControl)
	return net


def given() -> dict[str, Any]:
	"""What ControlNet and transformer hear."""
	return {
		'encoder_hidden_states': EMBEDDING,
		'pooled_projections': POOLED,
		'timestep': SIGMA,
		'txt_ids': torch.zeros(5, 3),
	}


def said(net: FluxControl) -> list[Tensor]:
	"""All that it says of a picture."""
	inputs = ModelInputs(EMBEDDING, pooled=POOLED, guidance=torch.tensor([2.0]))
	told = net(X, SIGMA, inputs, noise(1, 16, 6, 8, seed=4))
	return [*told.down, *told.single]


class TestDenoising:
	@pytest.mark.parametrize(('single', 'guidance'), [(1, True), (0, False)])
	@pytest.mark.parametrize('references', [(), (noise(1, 16, 4, 4),)])
	def test_is_what_diffusers_makes_of_it(
		self, single: int, guidance: bool, references: tuple[Tensor, ...], tmp_path: Path
	) -> None:
		"""Both kinds of blocks get what is said, where the picture is; references are left alone."""
		network = flux_network(NETWORKS[KIND].make(), CONFIG, FLUX_LATENTS)
		denoiser = Denoiser(network, Flow(multiplier=1.0), FLUX_LATENTS, KIND)
		module = controlnet(single=single, guidance=guidance)
		control = Control(loaded(tmp_path / 'net.safetensors', module), ControlUse(REF, picture(), 0.5), Halves())
		prompt = Prompt(EMBEDDING, POOLED, guidance=2.0, references=references, live=Controls((control,)))
		guess = denoiser.denoise(X, SIGMA, denoiser.inputs(prompt, X))
		own = positions(X, axes=3, first=0)
		samples = module(
			packed(X),
			controlnet_cond=packed(FLUX_LATENTS.process_in(Halves().encode(Images(picture())).samples)),
			img_ids=own,
			guidance=torch.tensor([2.0]) if guidance else None,
			conditioning_scale=0.5,
			**given(),
		)
		shown = [FLUX_LATENTS.process_in(one) for one in references]
		beyond = sum(packed(one).shape[1] for one in shown)

		def padded(tensors: list[Tensor] | None) -> list[Tensor] | None:
			return tensors and [torch.nn.functional.pad(one, (0, 0, 0, beyond)) for one in tensors]

		heard = network.module(
			torch.cat([packed(one) for one in (X, *shown)], dim=1),
			img_ids=torch.cat([own, *(positions(one, axes=3, first=1) for one in shown)]),
			guidance=torch.tensor([2.0]),
			controlnet_block_samples=padded(samples.controlnet_block_samples),
			controlnet_single_block_samples=padded(samples.controlnet_single_block_samples),
			**given(),
		).sample[:, :12]

		assert torch.allclose(guess, denoiser.parametrisation.denoised(X, unpacked(heard, X), SIGMA), atol=1e-5)


class TestUnions:
	def test_the_kind_counts(self, tmp_path: Path) -> None:
		"""As diffusers hears it; a union that is not told it hears of none."""
		module = controlnet(modes=4)
		net = loaded(tmp_path / 'union.safetensors', module)
		kinds = [said(net.of_kind(kind)) for kind in (2, None, 1, 2)]
		expected = module(
			packed(X),
			controlnet_cond=packed(noise(1, 16, 6, 8, seed=4)),
			controlnet_mode=torch.tensor([[2]]),
			img_ids=positions(X, axes=3, first=0),
			guidance=torch.tensor([2.0]),
			**given(),
		)

		assert net.kinds == 4
		assert torch.allclose(kinds[0][0], expected.controlnet_block_samples[0], atol=1e-5)
		assert torch.equal(kinds[0][0], kinds[3][0])
		assert not torch.allclose(kinds[0][0], kinds[1][0], atol=1e-4)
		assert not torch.allclose(kinds[0][0], kinds[2][0], atol=1e-4)

	def test_others_have_no_kinds(self, tmp_path: Path) -> None:
		"""Telling one changes nothing."""
		net = loaded(tmp_path / 'net.safetensors', controlnet())

		assert net.of_kind(2) is net


class TestFiles:
	def test_are_no_denoisers(self) -> None:
		"""Though they have the transformer's tensors; their family is known."""
		shapes = {name: tuple(tensor.shape) for name, tensor in controlnet().state_dict().items()}

		assert find_denoiser(shapes) is None
		assert recognise(MARKS, shapes) == {'family': 'flux'}

	def test_hints_of_other_width_are_refused(self, tmp_path: Path) -> None:
		"""With both widths."""
		tensors = controlnet().state_dict()
		tensors['controlnet_x_embedder.weight'] = torch.zeros(32, 68)
		path = tmp_path / 'inpaint.safetensors'
		save_file(tensors, path)

		with pytest.raises(UnknownFamily, match='hints of 68 numbers a token, not of 64'):
			load_control(Load((path,), 'controlnet'))
