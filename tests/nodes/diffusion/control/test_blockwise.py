"""Blockwise ControlNets of Qwen-Image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.errors import NodeUsage, UnknownFamily, UnknownFormat
from engine.models import Load
from nodes.diffusion.control.blockwise import BlockwiseControl, BlockwiseModule, ControlBlock, Hint, load_patch, steered
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.families.qwen_image import QWEN_IMAGE
from nodes.diffusion.families.qwen_image import network as qwen_network
from nodes.diffusion.networks.patches import packed, unpacked
from nodes.diffusion.parametrisation import Flow
from nodes.pixels.scale import resize, resize_pictures
from nodes.values import Images, Latent, Prompt
from tests.nodes.diffusion.patches.conftest import noise
from tests.tiny_transformers import NETWORKS

WIDTH = 32
X = noise(1, 16, 6, 8)
SIGMA = torch.tensor([0.7])


class Halves:
	"""A VAE that can be followed by hand: each latent channel is the mean of a block's red."""

	nbytes = 0
	factor = 8

	def encode(self, images: Images) -> Latent:
		"""Every picture to 16 channels alike."""
		red = images.pixels[..., :1].movedim(-1, 1)
		return Latent(torch.nn.functional.avg_pool2d(red, self.factor).expand(-1, 16, -1, -1).clone())

	def decode(self, latent: Latent) -> Images:
		"""The first channel as grey."""
		return Images(latent.samples[:, :1].movedim(1, -1).expand(-1, -1, -1, 3))


def module(channels: int = 64, count: int = 2, seed: int = 0, width: int = WIDTH) -> BlockwiseModule:
	"""A blockwise ControlNet with random weights."""
	with torch.random.fork_rng(devices=[]):
		torch.manual_seed(seed)
		made = BlockwiseModule(channels=channels, width=width, count=count)
		for weight in made.parameters():
			torch.nn.init.normal_(weight, std=0.2)
	return made.eval().requires_grad_(False)


def model() -> Denoiser:
	"""The tiny Qwen-Image."""
	net = NETWORKS['qwen-image']
	return Denoiser(
		qwen_network(net.make(), net.config, QWEN_IMAGE.latents), Flow(multiplier=1.0), QWEN_IMAGE.latents, 'qwen-image'
	)


def picture(height: int = 48, width: int = 64) -> Tensor:
	"""Noise."""
	return torch.rand(1, height, width, 3, generator=torch.Generator().manual_seed(5))


def said(denoiser: Denoiser, x: Tensor = X, references: tuple[Tensor, ...] = ()) -> Tensor:
	"""What the network says."""
	inputs = denoiser.inputs(Prompt(noise(1, 5, 16), references=references), x)
	with torch.inference_mode():
		return denoiser.network(x, SIGMA, inputs)


class TestBlock:
	def test_both_sides_are_brought_to_one_length_and_added(self) -> None:
		"""RMS norms, a layer, GELU, a layer."""
		block = module().controlnet_blocks[0]
		assert isinstance(block, ControlBlock)
		x, hint = noise(1, 3, WIDTH), noise(1, 3, WIDTH) * 5

		def normed(tokens: Tensor, weight: Tensor) -> Tensor:
			return tokens / (tokens.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt() * weight

		both = normed(x, block.x_rms.weight) + normed(hint, block.y_rms.weight)
		inner = torch.nn.functional.gelu(block.input_proj(both))

		assert torch.allclose(block(x, hint), block.output_proj(inner), atol=1e-5)


class TestTokens:
	def test_a_latent_is_cut_into_patches(self) -> None:
		"""As the transformer cuts its own."""
		net = module()

		assert torch.equal(BlockwiseControl(net).tokens(X, None), net.img_in(packed(X)))

	@pytest.mark.parametrize('masked', [True, False])
	def test_networks_that_fill_in_see_what_stays(self, masked: bool) -> None:
		"""A channel more; without a mask everything stays."""
		net = module(channels=68)
		kept = (noise(1, 1, 6, 8) > 0).float() if masked else None
		channel = torch.ones(1, 1, 6, 8) if kept is None else kept

		assert torch.equal(BlockwiseControl(net).tokens(X, kept), net.img_in(packed(torch.cat([X, channel], dim=1))))

	def test_latents_of_another_vae_are_refused(self) -> None:
		"""With both numbers of channels."""
		with pytest.raises(NodeUsage, match='latents of 16 channels; those of the VAE have 32'):
			BlockwiseControl(module()).tokens(noise(1, 32, 6, 8), None)


class TestHint:
	def test_the_picture_in_the_models_scale(self) -> None:
		"""Of the right size it is taken as it is; the mask is turned round."""
		mask = torch.zeros(1, 48, 64)
		mask[:, :24] = 1
		hint = Hint(picture(), mask, Halves(), QWEN_IMAGE.latents)
		kept = hint.kept(6, 8)

		assert torch.equal(hint.latent(6, 8), QWEN_IMAGE.latents.process_in(Halves().encode(Images(picture())).samples))
		assert kept is not None
		assert torch.equal(kept, resize(1 - mask[:, None], 8, 6, 'bilinear'))
		assert kept[0, 0, :, 0].tolist() == [0, 0, 0, 1, 1, 1]

	def test_another_size_is_cut_and_scaled(self) -> None:
		"""By the area of pixels, from the middle."""
		hint = Hint(picture(96, 96), None, Halves(), QWEN_IMAGE.latents)
		scaled = resize_pictures(picture(96, 96), 64, 48, 'area', 'center')

		assert torch.equal(hint.latent(6, 8), QWEN_IMAGE.latents.process_in(Halves().encode(Images(scaled)).samples))
		assert hint.kept(6, 8) is None


class TestSteered:
	def test_is_added_behind_each_block(self) -> None:
		"""Where all that a block says is its last bias: as diffusers adds samples of its own ControlNets."""
		net = module()
		for block in net.controlnet_blocks:
			block.get_parameter('output_proj.weight').zero_()
		samples = [block.get_parameter('output_proj.bias').expand(1, 12, -1) * 0.5 for block in net.controlnet_blocks]
		plain = model()
		expected = plain.network.module(
			packed(X),
			encoder_hidden_states=noise(1, 5, 16),
			timestep=SIGMA,
			img_shapes=[[(1, 3, 4)]],
			controlnet_block_samples=samples,
		).sample
		heard = said(steered(plain, BlockwiseControl(net), Halves(), picture(), None, 0.5))

		assert torch.allclose(heard, unpacked(expected, X), atol=1e-5)

	def test_the_picture_counts_and_the_model_is_as_before_after_it(self) -> None:
		"""The same weights say what they said."""
		plain, control = model(), BlockwiseControl(module())
		before = said(plain)
		first = said(steered(plain, control, Halves(), picture(), None, 1.0))
		second = said(steered(plain, control, Halves(), 1 - picture(), None, 1.0))

		assert not torch.allclose(first, before, atol=1e-4)
		assert not torch.allclose(first, second, atol=1e-4)
		assert torch.equal(said(plain), before)

	def test_no_strength_is_no_change(self) -> None:
		"""Bit for bit."""
		plain = model()

		assert torch.equal(
			said(steered(plain, BlockwiseControl(module()), Halves(), picture(), None, 0.0)), said(plain)
		)

	def test_references_are_left_alone(self) -> None:
		"""They follow the picture's tokens."""
		shown = steered(model(), BlockwiseControl(module()), Halves(), picture(), None, 1.0)

		assert said(shown, references=(noise(1, 16, 4, 4),)).shape == X.shape

	def test_odd_sides(self) -> None:
		"""The hint is padded as the latent is."""
		x = noise(1, 16, 5, 7)

		assert said(steered(model(), BlockwiseControl(module()), Halves(), picture(), None, 1.0), x).shape == x.shape

	def test_several_can_steer(self) -> None:
		"""Each adds its own: two of half the strength are one, where what is said does not depend on it."""
		net = module()
		for block in net.controlnet_blocks:
			block.get_parameter('output_proj.weight').zero_()
		control = BlockwiseControl(net)
		once = steered(model(), control, Halves(), picture(), None, 1.0)
		twice = steered(
			steered(model(), control, Halves(), picture(), None, 0.5), control, Halves(), picture(), None, 0.5
		)

		assert torch.allclose(said(twice), said(once), atol=1e-5)

	def test_other_models_are_refused(self) -> None:
		"""By family and by width."""
		with pytest.raises(NodeUsage, match="of the family 'flux'"):
			steered(replace(model(), family='flux'), BlockwiseControl(module()), Halves(), picture(), None, 1.0)
		with pytest.raises(NodeUsage, match='of width 16; that of the model is 32'):
			steered(model(), BlockwiseControl(module(width=16)), Halves(), picture(), None, 1.0)


class TestFiles:
	@pytest.mark.parametrize('channels', [64, 68])
	def test_are_known_by_their_tensors(self, channels: int, tmp_path: Path) -> None:
		"""Blocks, width and channels follow from them."""
		net = module(channels, count=3)
		path = tmp_path / 'patch.safetensors'
		save_file(net.state_dict(), path)
		loaded = load_patch(Load((path,), 'model_patch'))

		assert loaded.nbytes == sum(weight.nbytes for weight in net.parameters())
		assert all(torch.equal(one, net.state_dict()[name]) for name, one in loaded.module.state_dict().items())

	def test_others_are_refused(self, tmp_path: Path) -> None:
		"""By file, with what is in it."""
		path = tmp_path / 'other.safetensors'
		save_file({'feature_embedder.mid_layer_norm.bias': torch.zeros(2)}, path)

		with pytest.raises(UnknownFamily, match=r'other\.safetensors is no model patch .* feature_embedder'):
			load_patch(Load((path,), 'model_patch'))

	def test_one_that_lacks_a_tensor_is_refused(self, tmp_path: Path) -> None:
		"""With its name."""
		tensors = module().state_dict()
		del tensors['controlnet_blocks.1.input_proj.bias']
		path = tmp_path / 'half.safetensors'
		save_file(tensors, path)

		with pytest.raises(UnknownFormat, match=r'lacks 1 tensors: controlnet_blocks\.1\.input_proj\.bias'):
			load_patch(Load((path,), 'model_patch'))
