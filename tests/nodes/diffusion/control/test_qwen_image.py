"""ControlNets of Qwen-Image."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import torch
from diffusers.models.controlnets.controlnet_qwenimage import QwenImageControlNetModel
from safetensors.torch import save_file
from torch import Tensor

from engine.errors import NodeUsage
from engine.facts import recognise
from engine.models import FileDigest, Load, ModelRef
from nodes.diffusion.control.hints import fitted
from nodes.diffusion.control.live import Control, Controls, residuals
from nodes.diffusion.control.loading import load_control
from nodes.diffusion.control.qwen_image import QwenImageControl
from nodes.diffusion.control.residuals import Residuals, added
from nodes.diffusion.control.settings import DifferencePatch
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.families import find_denoiser
from nodes.diffusion.marks import MARKS
from nodes.diffusion.networks.patches import packed, unpacked
from nodes.pixels.scale import resize_masks
from nodes.values import AutoEncoder, ControlNet, ControlUse, Images, ModelInputs, Prompt
from tests.nodes.diffusion.control.test_blockwise import Halves, model, picture
from tests.nodes.diffusion.patches.conftest import noise
from tests.tiny_transformers import QWEN_IMAGE

REF = ModelRef[ControlNet](FileDigest('net'), 'controlnet')
X, SIGMA = noise(1, 16, 6, 8), torch.tensor([0.7])
EMBEDDING = noise(1, 5, 16)


def controlnet(*, extra: int = 0, layers: int = 1) -> torch.nn.Module:
	"""A tiny one none of whose weights is nought."""
	config = {name: value for name, value in QWEN_IMAGE.items() if name != 'zero_cond_t'}
	with torch.random.fork_rng(devices=[]):
		torch.manual_seed(3)
		made = cast(Any, QwenImageControlNetModel)(
			**{**config, 'num_layers': layers, 'extra_condition_channels': extra}
		)
		for weight in made.parameters():
			torch.nn.init.normal_(weight, std=0.1)
	module: torch.nn.Module = made.eval().requires_grad_(False)
	return module


def loaded(path: Path, module: torch.nn.Module) -> QwenImageControl:
	"""The same from a file."""
	save_file(module.state_dict(), path)
	net = load_control(Load((path,), 'controlnet'))
	assert isinstance(net, QwenImageControl)
	return net


def steered(net: QwenImageControl, denoiser: Denoiser, use: ControlUse, references: tuple[Tensor, ...] = ()) -> Tensor:
	"""The guess at a step that a control steers."""
	vae: AutoEncoder = Halves()
	prompt = Prompt(EMBEDDING, references=references, live=Controls((Control(net, use, vae),)))
	return denoiser.denoise(X, SIGMA, denoiser.inputs(prompt, X))


class TestDenoising:
	@pytest.mark.parametrize('references', [(), (noise(1, 16, 4, 4),)])
	def test_is_what_diffusers_makes_of_it(self, references: tuple[Tensor, ...], tmp_path: Path) -> None:
		"""The hint goes through the VAE into the model's scale; references are left alone."""
		module, denoiser = controlnet(), model()
		guess = steered(
			loaded(tmp_path / 'net.safetensors', module), denoiser, ControlUse(REF, picture(), 0.5), references
		)
		hint = denoiser.latents.process_in(Halves().encode(Images(picture())).samples)
		samples = module(
			packed(X),
			controlnet_cond=packed(hint),
			encoder_hidden_states=EMBEDDING,
			timestep=SIGMA,
			img_shapes=[[(1, 3, 4)]],
			conditioning_scale=0.5,
		).controlnet_block_samples
		scaled = [denoiser.latents.process_in(one) for one in references]
		beyond = sum(packed(one).shape[1] for one in scaled)
		said = denoiser.network.module(
			torch.cat([packed(one) for one in (X, *scaled)], dim=1),
			encoder_hidden_states=EMBEDDING,
			timestep=SIGMA,
			img_shapes=[[(1, 3, 4), *((1, 2, 2) for _ in references)]],
			controlnet_block_samples=[torch.nn.functional.pad(one, (0, 0, 0, beyond)) for one in samples],
		).sample[:, :12]

		assert torch.allclose(guess, denoiser.parametrisation.denoised(X, unpacked(said, X), SIGMA), atol=1e-5)

	def test_blocks_speak_to_sixty(self, tmp_path: Path) -> None:
		"""As many of Qwen-Image's for each, rounded up."""
		net = loaded(tmp_path / 'net.safetensors', controlnet(layers=7))
		said = net(X, SIGMA, ModelInputs(EMBEDDING), noise(1, 16, 6, 8))

		assert len(said.down) == 7
		assert said.spread == 9

	def test_a_vae_is_wanted(self, tmp_path: Path) -> None:
		"""Hints are latents."""
		control = Control(loaded(tmp_path / 'net.safetensors', controlnet()), ControlUse(REF, picture()))

		with pytest.raises(NodeUsage, match='link a VAE'):
			control.hint(X, model().latents)


class TestFillingIn:
	def test_hints_have_a_hole_and_tell_where(self, tmp_path: Path) -> None:
		"""The picture is black where the mask is; the last channel is 1 where it stays."""
		net = loaded(tmp_path / 'net.safetensors', controlnet(extra=4))
		mask, latents = torch.zeros(1, 24, 32), model().latents
		mask[:, :12] = 1
		hint = Control(net, ControlUse(REF, picture(), mask=mask), Halves()).hint(X, latents)
		holed = picture() * resize_masks(1 - mask, 64, 48).round()[..., None]

		assert net.wants_mask
		assert torch.equal(hint[:, :16], latents.process_in(Halves().encode(Images(holed)).samples))
		assert torch.equal(hint[:, 16:], fitted((1 - mask)[..., None], 6, 8))
		assert holed[0, 10].sum() == 0

	def test_the_mask_counts(self, tmp_path: Path) -> None:
		"""Another one, another guess."""
		net, denoiser = loaded(tmp_path / 'net.safetensors', controlnet(extra=4)), model()
		first, second = (
			steered(net, denoiser, ControlUse(REF, picture(), mask=torch.full((1, 48, 64), value)))
			for value in (0.0, 1.0)
		)

		assert not torch.allclose(first, second, atol=1e-4)

	def test_a_mask_is_wanted(self, tmp_path: Path) -> None:
		"""The node that gives one is named."""
		net = loaded(tmp_path / 'net.safetensors', controlnet(extra=4))

		with pytest.raises(NodeUsage, match='ControlNetInpaintingAliMamaApply'):
			Control(net, ControlUse(REF, picture()), Halves()).hint(X, model().latents)

	def test_others_take_no_notice(self, tmp_path: Path) -> None:
		"""The picture has no hole then."""
		net = loaded(tmp_path / 'net.safetensors', controlnet())
		plain = Control(net, ControlUse(REF, picture()), Halves()).hint(X, model().latents)
		masked = Control(net, ControlUse(REF, picture(), mask=torch.ones(1, 8, 8)), Halves()).hint(X, model().latents)

		assert not net.wants_mask
		assert torch.equal(plain, masked)


class TestResiduals:
	def test_of_two_networks_with_other_numbers_of_blocks(self) -> None:
		"""Each block of the transformer gets what both say to it."""
		two = Residuals((torch.ones(1, 2, 1), torch.ones(1, 2, 1) * 2), spread=2)
		four = Residuals(tuple(torch.full((1, 2, 1), 10.0 * number) for number in range(1, 5)))
		both = added([two, four])
		like = torch.zeros(1, 3, 1)

		assert both is not None
		assert [one.flatten().tolist() for one in both.for_tokens(like, 4)] == [
			[11, 11, 0],
			[21, 21, 0],
			[32, 32, 0],
			[42, 42, 0],
		]
		assert [one.sum().item() for one in two.for_tokens(like, 5)] == [2, 2, 4, 4, 0]

	def test_without_any_that_act_nothing_is_added(self, tmp_path: Path) -> None:
		"""After its end, the guess is the model's own."""
		net, denoiser = loaded(tmp_path / 'net.safetensors', controlnet()), model()
		use = ControlUse(REF, picture(), end=0.1)
		said = residuals(
			Controls((Control(net, use, Halves()),)),
			X,
			SIGMA * 0 + 0.01,
			ModelInputs(EMBEDDING),
			denoiser.parametrisation,
			denoiser.latents,
			denoiser.network.module,
		)

		assert said is None


class TestPatches:
	def test_a_file_that_is_whole_is_no_difference(self, tmp_path: Path) -> None:
		"""Loaded as a difference to a model it is the same, and has no weights of its own."""
		net, load = (
			loaded(tmp_path / 'net.safetensors', controlnet()),
			Load((tmp_path / 'net.safetensors',), 'controlnet'),
		)
		patch = DifferencePatch(ModelRef(FileDigest('model'), 'denoiser'))
		changed, hint = net.patched([patch], load), noise(1, 16, 6, 8)
		one, other = (control(X, SIGMA, ModelInputs(EMBEDDING), hint).down[0] for control in (net, changed))

		assert torch.equal(one, other)
		assert changed.nbytes == 0 <= net.patched_size([patch], load).nbytes <= net.nbytes


class TestFiles:
	def test_are_no_denoisers(self) -> None:
		"""Though they have the transformer's tensors; their family is known."""
		shapes = {name: tuple(tensor.shape) for name, tensor in controlnet().state_dict().items()}

		assert find_denoiser(shapes) is None
		assert recognise(MARKS, shapes) == {'family': 'qwen-image'}
