"""ControlNets of Stable Diffusion 3, in diffusers' layout and that of Stability AI."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import torch
from diffusers import SD3Transformer2DModel
from diffusers.models.controlnets.controlnet_sd3 import SD3ControlNetModel
from safetensors.torch import save_file
from torch import Tensor

from engine.errors import NodeUsage, UnknownFormat
from engine.facts import recognise
from engine.models import FileDigest, Load, ModelRef
from nodes.diffusion.control.hints import fitted
from nodes.diffusion.control.live import Control, Controls
from nodes.diffusion.control.loading import load_control
from nodes.diffusion.control.sd3 import Kind, Sd3Control, Sd3LargeControl
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.families import find_denoiser
from nodes.diffusion.families.sd3 import SD3
from nodes.diffusion.families.sd3 import network as sd3_network
from nodes.diffusion.layout import stored
from nodes.diffusion.layouts import sd3
from nodes.diffusion.marks import MARKS
from nodes.diffusion.parametrisation import Flow
from nodes.diffusion.sizes import measure
from nodes.values import ControlNet, ControlUse, Images, Prompt
from tests import tiny
from tests.nodes.diffusion.control.test_blockwise import Halves, picture
from tests.nodes.diffusion.patches.conftest import noise
from tests.tiny_transformers import NETWORKS

HEADS = 2
CONFIG: dict[str, Any] = {
	**NETWORKS['sd3'].config,
	'attention_head_dim': sd3.HEAD,
	'num_attention_heads': HEADS,
	'caption_projection_dim': HEADS * sd3.HEAD,
	'num_layers': HEADS,
}
LARGE: dict[str, Any] = {
	'num_layers': 1,
	'attention_head_dim': sd3.HEAD,
	'num_attention_heads': HEADS,
	'joint_attention_dim': None,
	'pooled_projection_dim': CONFIG['pooled_projection_dim'],
	'pos_embed_max_size': None,
	'pos_embed_type': None,
	'use_pos_embed': False,
}
REF = ModelRef[ControlNet](FileDigest('net'), 'controlnet')
X, SIGMA = noise(1, 16, 6, 8), torch.tensor([0.7])
EMBEDDING = noise(1, 5, CONFIG['joint_attention_dim'])
POOLED = noise(1, CONFIG['pooled_projection_dim'], seed=2)
SCALE, SHIFT = 1.5305, 0.0609


def made(cls: Any, config: dict[str, Any], seed: int = 3) -> torch.nn.Module:
	"""A tiny network none of whose weights is nought."""
	with torch.random.fork_rng(devices=[]):
		torch.manual_seed(seed)
		module: torch.nn.Module = cast(Any, cls)(**config)
		for weight in module.parameters():
			torch.nn.init.normal_(weight, std=0.1)
	return module.eval().requires_grad_(False)


def controlnet(*, extra: int = 0, **changes: Any) -> torch.nn.Module:
	"""One with text, in diffusers' layout."""
	config = {**CONFIG, 'num_layers': 1, 'extra_conditioning_channels': extra, **changes}
	return made(SD3ControlNetModel, config)


def large() -> torch.nn.Module:
	"""One of those without text."""
	return made(SD3ControlNetModel, LARGE)


def published(module: torch.nn.Module, kind: int) -> dict[str, Tensor]:
	"""Its tensors as Stability's files keep them."""
	own, layout = module.state_dict(), sd3.control_layout(LARGE)
	kept = stored(layout, own)
	return {
		**{name: one for name, one in own.items() if name not in layout},
		**kept,
		'control_type': torch.tensor(kind),
	}


def loaded(path: Path, tensors: dict[str, Tensor]) -> Any:
	"""The network of a file with these tensors."""
	save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
	return load_control(Load((path,), 'controlnet'))


def model() -> Denoiser:
	"""The tiny transformer."""
	return Denoiser(sd3_network(made(SD3Transformer2DModel, CONFIG), CONFIG, SD3.latents), Flow(), SD3.latents, 'sd3')


def guessed(denoiser: Denoiser, control: Control) -> Tensor:
	"""The guess at a step that it steers."""
	prompt = Prompt(EMBEDDING, POOLED, live=Controls((control,)))
	return denoiser.denoise(X, SIGMA, denoiser.inputs(prompt, X))


def expected(denoiser: Denoiser, added: list[Tensor]) -> Tensor:
	"""The transformer written out, with something added behind each block."""
	net: Any = denoiser.network.module
	told = net.time_text_embed(SIGMA * 1000, POOLED)
	text, hidden = net.context_embedder(EMBEDDING), net.pos_embed(X)
	for block, more in zip(net.transformer_blocks, added, strict=True):
		text, hidden = block(hidden_states=hidden, encoder_hidden_states=text, temb=told)
		hidden = hidden + more
	tokens = net.proj_out(net.norm_out(hidden, told))
	said = tokens.reshape(1, 3, 4, 2, 2, 16).permute(0, 5, 1, 3, 2, 4).reshape(1, 16, 6, 8)
	return denoiser.parametrisation.denoised(X, said, SIGMA)


class TestWithText:
	@pytest.mark.parametrize('norm', [None, 'rms_norm'])
	def test_is_what_diffusers_makes_of_it(self, norm: str | None, tmp_path: Path) -> None:
		"""The hint is scaled and not shifted, pooled text is nought, and the last block is left alone."""
		module, denoiser = controlnet(qk_norm=norm), model()
		net = loaded(tmp_path / 'net.safetensors', module.state_dict())
		guess = guessed(denoiser, Control(net, ControlUse(REF, picture(), 0.5), Halves()))
		given = {'encoder_hidden_states': EMBEDDING, 'timestep': SIGMA * 1000}
		samples = module(
			X,
			controlnet_cond=Halves().encode(Images(picture())).samples * SCALE,
			pooled_projections=POOLED * 0,
			conditioning_scale=0.5,
			**given,
		).controlnet_block_samples
		said = denoiser.network.module(
			X, pooled_projections=POOLED, block_controlnet_hidden_states=samples, **given
		).sample

		assert isinstance(net, Sd3Control)
		assert torch.allclose(guess, denoiser.parametrisation.denoised(X, said, SIGMA), atol=1e-5)
		assert torch.allclose(guess, expected(denoiser, [samples[0], samples[0] * 0]), atol=1e-5)

	def test_sides_of_odd_latents_are_filled_up(self, tmp_path: Path) -> None:
		"""As the transformer does it."""
		net, denoiser = loaded(tmp_path / 'net.safetensors', controlnet().state_dict()), model()
		x = noise(1, 16, 5, 7)
		prompt = Prompt(EMBEDDING, POOLED, live=Controls((Control(net, ControlUse(REF, picture()), Halves()),)))

		assert denoiser.denoise(x, SIGMA, denoiser.inputs(prompt, x)).shape == x.shape

	def test_filling_in_shows_a_hole_and_where(self, tmp_path: Path) -> None:
		"""A seventeenth channel of the hint tells where the picture stays."""
		module, denoiser = controlnet(extra=1), model()
		net = loaded(tmp_path / 'net.safetensors', module.state_dict())
		mask = torch.zeros(1, 48, 64)
		mask[:, :24] = 1
		control = Control(net, ControlUse(REF, picture(), mask=mask), Halves())
		guess = guessed(denoiser, control)
		latent = Halves().encode(Images(picture() * (1 - mask)[..., None])).samples * SCALE
		samples = module(
			X,
			controlnet_cond=torch.cat([latent, fitted((1 - mask)[..., None], 6, 8)], dim=1),
			pooled_projections=POOLED * 0,
			encoder_hidden_states=EMBEDDING,
			timestep=SIGMA * 1000,
		).controlnet_block_samples

		assert net.wants_mask
		assert torch.allclose(guess, expected(denoiser, [samples[0], samples[0] * 0]), atol=1e-5)


class TestLarge:
	@pytest.mark.parametrize('kind', [*Kind])
	@pytest.mark.parametrize('layout', ['published', 'diffusers'])
	def test_is_what_diffusers_makes_of_it(self, kind: Kind, layout: str, tmp_path: Path) -> None:
		"""Beside the model's own patches; all blocks hear it. diffusers' files do not tell what pictures are like."""
		module, denoiser = large(), model()
		tensors = published(module, kind) if layout == 'published' else module.state_dict()
		net = loaded(tmp_path / 'net.safetensors', tensors)
		guess = guessed(denoiser, Control(net, ControlUse(REF, picture()), Halves()))
		shown = picture()
		if layout == 'published':
			shown = {Kind.BLUR: shown, Kind.CANNY: shown * 127.5 + 0.5, Kind.DEPTH: 1 - shown}[kind]
		(sample,) = module(
			cast(Any, denoiser.network.module).pos_embed(X),
			controlnet_cond=(Halves().encode(Images(shown)).samples - SHIFT) * SCALE,
			pooled_projections=POOLED,
			timestep=SIGMA * 1000,
		).controlnet_block_samples

		assert isinstance(net, Sd3LargeControl)
		assert torch.allclose(guess, expected(denoiser, [sample] * HEADS), atol=1e-4, rtol=1e-4)

	def test_the_models_weights_are_not_its_own(self, tmp_path: Path) -> None:
		"""What it borrows is not counted, and is the very same."""
		net, denoiser = loaded(tmp_path / 'net.safetensors', published(large(), 0)), model()
		joined = net.beside(denoiser.network.module)

		assert joined.patches is denoiser.network.module.get_submodule('pos_embed')
		assert joined.nbytes == net.nbytes == sum(weight.nbytes for weight in large().parameters())

	def test_models_that_it_is_not_for_are_refused(self, tmp_path: Path) -> None:
		"""With both widths, or what the model is."""
		net = loaded(tmp_path / 'net.safetensors', published(large(), 0))
		other = made(SD3Transformer2DModel, NETWORKS['sd3'].config)

		with pytest.raises(NodeUsage, match=r'of width 128 .*SD3Transformer2DModel of width 16'):
			net.beside(other)
		with pytest.raises(NodeUsage, match='UNet2DConditionModel'):
			net.beside(tiny.modules(0)[0])


class TestFiles:
	@pytest.mark.parametrize('tensors', [controlnet().state_dict(), published(large(), 1), large().state_dict()])
	def test_are_no_denoisers(self, tensors: dict[str, Tensor]) -> None:
		"""Though some have the transformer's tensors; their family is known."""
		shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}

		assert find_denoiser(shapes) is None
		assert recognise(MARKS, shapes) == {'family': 'sd3'}

	def test_their_size_is_known_by_the_header(self, tmp_path: Path) -> None:
		"""As many bytes as the loaded weights take."""
		path = tmp_path / 'net.safetensors'
		net = loaded(path, controlnet().state_dict())
		size = measure(Load((path,), 'controlnet'))

		assert size is not None
		assert size.nbytes == net.nbytes + net.module.get_buffer('pos_embed.pos_embed').nbytes

	def test_missing_tensors_are_named(self, tmp_path: Path) -> None:
		"""A file that lacks some is refused."""
		tensors = published(large(), 1)
		del tensors['transformer_blocks.0.mlp.fc1.bias']

		with pytest.raises(UnknownFormat, match=r'lacks 1 tensors: transformer_blocks\.0\.mlp\.fc1\.bias'):
			loaded(tmp_path / 'net.safetensors', tensors)
