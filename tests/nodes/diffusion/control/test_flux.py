"""ControlNets of Flux in diffusers' layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import torch
from diffusers import FluxTransformer2DModel
from diffusers.models.controlnets.controlnet_flux import FluxControlNetModel
from safetensors.torch import save_file
from torch import Tensor

from engine.errors import UnknownFamily
from engine.facts import recognise
from engine.models import FileDigest, Load, ModelRef
from nodes.diffusion.control.flux import FluxControl
from nodes.diffusion.control.hints import fitted
from nodes.diffusion.control.live import Control, Controls
from nodes.diffusion.control.loading import load_control
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.families import find_denoiser
from nodes.diffusion.families.flux import FLUX_LATENTS
from nodes.diffusion.families.flux import network as flux_network
from nodes.diffusion.layout import stored
from nodes.diffusion.layouts import flux
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


def controlnet(
	*, single: int = 1, guidance: bool = True, modes: int | None = None, more: int = 0, **others: Any
) -> torch.nn.Module:
	"""A tiny one none of whose weights is nought; its hints may have so many numbers more a token."""
	config = {name: value for name, value in CONFIG.items() if name != 'out_channels'}
	changes = {'num_single_layers': single, 'guidance_embeds': guidance, 'num_mode': modes, **others}
	with torch.random.fork_rng(devices=[]):
		torch.manual_seed(3)
		made = cast(Any, FluxControlNetModel)(**{**config, **changes})
		if more:
			layer = made.controlnet_x_embedder
			made.controlnet_x_embedder = torch.nn.Linear(layer.in_features + more, layer.out_features)
		for weight in made.parameters():
			torch.nn.init.normal_(weight, std=0.1)
	module: torch.nn.Module = made.eval().requires_grad_(False)
	return module


def xlabs() -> torch.nn.Module:
	"""One that sees pixels."""
	return controlnet(single=0, num_layers=2, conditioning_embedding_channels=16, patch_size=2)


def published(module: torch.nn.Module) -> dict[str, Tensor]:
	"""Its tensors as XLabs' files keep them."""
	return stored(flux.xlabs_layout(cast(Any, module).config), module.state_dict())


def loaded(path: Path, module: torch.nn.Module, *, original: bool = False) -> FluxControl:
	"""The same from a file."""
	save_file(published(module) if original else module.state_dict(), path)
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


class TestPixels:
	"""XLabs' networks."""

	@pytest.mark.parametrize('original', [True, False])
	def test_is_what_diffusers_makes_of_it(self, original: bool, tmp_path: Path) -> None:
		"""Pixels from −1 to 1; its two blocks speak to those of the transformer in turn, with no VAE."""
		config = {**CONFIG, 'num_layers': 3}
		transformer = cast(Any, FluxTransformer2DModel)(**config).eval().requires_grad_(False)
		denoiser = Denoiser(flux_network(transformer, config, FLUX_LATENTS), Flow(multiplier=1.0), FLUX_LATENTS, KIND)
		module = xlabs()
		net = loaded(tmp_path / 'net.safetensors', module, original=original)
		prompt = Prompt(
			EMBEDDING, POOLED, guidance=2.0, live=Controls((Control(net, ControlUse(REF, picture(), 0.5)),))
		)
		guess = denoiser.denoise(X, SIGMA, denoiser.inputs(prompt, X))
		own = {'img_ids': positions(X, axes=3, first=0), 'guidance': torch.tensor([2.0]), **given()}
		samples = module(
			packed(X), controlnet_cond=picture().movedim(-1, 1) * 2 - 1, conditioning_scale=0.5, **own
		).controlnet_block_samples
		heard = transformer(packed(X), controlnet_block_samples=samples, controlnet_blocks_repeat=True, **own).sample

		assert len(samples) == 2
		assert torch.allclose(guess, denoiser.parametrisation.denoised(X, unpacked(heard, X), SIGMA), atol=1e-5)

	def test_odd_latents_are_filled_up(self, tmp_path: Path) -> None:
		"""Picture and latent alike."""
		net, x = loaded(tmp_path / 'net.safetensors', xlabs(), original=True), noise(1, 16, 5, 7)
		told = net(x, SIGMA, ModelInputs(EMBEDDING, pooled=POOLED), torch.zeros(1, 3, 40, 56))

		assert told.down[0].shape[1] == 12

	def test_files_have_the_names_of_the_transformer(self) -> None:
		"""As XLabs wrote them; they are no transformers for that, nor ControlNets of UNets."""
		shapes = {name: tuple(tensor.shape) for name, tensor in published(xlabs()).items()}

		assert {'img_in.weight', 'pos_embed_input.weight', 'input_hint_block.14.bias', 'guidance_in.in_layer.bias'} <= {
			*shapes
		}
		assert {'double_blocks.1.txt_attn.qkv.bias', 'controlnet_blocks.1.weight', 'txt_in.bias'} <= {*shapes}
		assert find_denoiser(shapes) is None
		assert recognise(MARKS, shapes) == {'family': 'flux'}


class TestFillingIn:
	"""Alimama's networks."""

	def test_the_hint_has_a_hole_and_tells_where(self, tmp_path: Path) -> None:
		"""Four numbers more a token are 1 where the picture stays."""
		module = controlnet(single=0, more=4)
		net = loaded(tmp_path / 'net.safetensors', module)
		mask = torch.zeros(1, 48, 64)
		mask[:, :24] = 1
		hint = Control(net, ControlUse(REF, picture(), mask=mask), Halves()).hint(X, FLUX_LATENTS)
		told = net(X, SIGMA, ModelInputs(EMBEDDING, pooled=POOLED, guidance=torch.tensor([2.0])), hint)
		latent = Halves().encode(Images(picture() * (1 - mask)[..., None])).samples
		kept = fitted((1 - mask)[..., None], 6, 8)
		expected = module(
			packed(X),
			controlnet_cond=packed(torch.cat([FLUX_LATENTS.process_in(latent), kept], dim=1)),
			img_ids=positions(X, axes=3, first=0),
			guidance=torch.tensor([2.0]),
			**given(),
		).controlnet_block_samples

		assert net.wants_mask
		assert torch.allclose(told.down[0], expected[0], atol=1e-5)
		assert net.nbytes == sum(weight.nbytes for weight in module.parameters())


class TestFiles:
	def test_are_no_denoisers(self) -> None:
		"""Though they have the transformer's tensors; their family is known."""
		shapes = {name: tuple(tensor.shape) for name, tensor in controlnet().state_dict().items()}

		assert find_denoiser(shapes) is None
		assert recognise(MARKS, shapes) == {'family': 'flux'}

	def test_hints_of_other_width_are_refused(self, tmp_path: Path) -> None:
		"""With both widths."""
		tensors = controlnet().state_dict()
		tensors['controlnet_x_embedder.weight'] = torch.zeros(32, 72)
		path = tmp_path / 'other.safetensors'
		save_file(tensors, path)

		with pytest.raises(UnknownFamily, match='hints of 72 numbers a token, not of 64'):
			load_control(Load((path,), 'controlnet'))
