"""T2I-Adapters, built here as their authors build them, layer after layer."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.adapter import T2IAdapter
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pixel_unshuffle

from engine.errors import UnknownFormat
from engine.facts import recognise
from engine.models import FileDigest, Load, ModelRef
from nodes.diffusion.checkpoint import load_denoiser
from nodes.diffusion.control.adapter import AdapterControl
from nodes.diffusion.control.live import Control, Controls, residuals
from nodes.diffusion.control.loading import load_control
from nodes.diffusion.marks import MARKS
from nodes.diffusion.networks.unet import UNet
from nodes.values import ControlNet, ControlUse, ModelInputs
from tests import tiny
from tests.nodes.diffusion.patches.conftest import noise

CHANNELS = [8, 16]
"""Those of the tiny UNet."""

X = noise(1, 4, 8, 8)
HINT = noise(1, 3, 64, 64).sigmoid()
NOTHING = ModelInputs(noise(1, 7, tiny.WIDTH))
REF = ModelRef[ControlNet](FileDigest('net'), 'controlnet')


class Resnet(nn.Module):
	"""Halves and widens, where it is to; two convolutions, with what came in added."""

	def __init__(self, before: int, after: int, *, halving: bool = False, last: int = 1) -> None:
		super().__init__()
		self.halving = halving
		if before != after:
			self.in_conv = nn.Conv2d(before, after, 1)
		self.block1 = nn.Conv2d(after, after, 3, padding=1)
		self.block2 = nn.Conv2d(after, after, last, padding=last // 2)

	def forward(self, x: Tensor) -> Tensor:
		x = avg_pool2d(x, 2) if self.halving else x
		x = self.in_conv(x) if hasattr(self, 'in_conv') else x
		added: Tensor = self.block2(torch.relu(self.block1(x))) + x
		return added


class Full(nn.Module):
	"""Residual blocks, numbered through: two for each level."""

	def __init__(self, colours: int) -> None:
		super().__init__()
		self.conv_in = nn.Conv2d(colours * 64, CHANNELS[0], 3, padding=1)
		widths = [CHANNELS[0], *CHANNELS]
		self.body = nn.ModuleList(
			Resnet(widths[level + step], widths[level + 1], halving=level > 0 and step == 0)
			for level in range(len(CHANNELS))
			for step in range(2)
		)

	def forward(self, picture: Tensor) -> list[Tensor]:
		x, said = self.conv_in(pixel_unshuffle(picture, 8)), []
		for number, block in enumerate(self.body):
			x = block(x)
			if number % 2:
				said.append(x)
		return said


class Extractor(nn.Module):
	"""A level of a light adapter: in the middle it has a quarter of its channels."""

	def __init__(self, before: int, after: int) -> None:
		super().__init__()
		self.in_conv = nn.Conv2d(before, after // 4, 1)
		self.body = nn.Sequential(*(Resnet(after // 4, after // 4, last=3) for _ in range(4)))
		self.out_conv = nn.Conv2d(after // 4, after, 1)

	def forward(self, x: Tensor) -> Tensor:
		out: Tensor = self.out_conv(self.body(self.in_conv(x)))
		return out


class Light(nn.Module):
	"""Levels of little work, the last as wide as the one before."""

	def __init__(self) -> None:
		super().__init__()
		widths = [3 * 64, *CHANNELS, CHANNELS[-1]]
		self.body = nn.ModuleList(map(Extractor, widths, widths[1:]))

	def forward(self, picture: Tensor) -> list[Tensor]:
		x, said = pixel_unshuffle(picture, 8), []
		for level, block in enumerate(self.body):
			x = block(avg_pool2d(x, 2) if level else x)
			said.append(x)
		return said


def loaded(path: Path, module: nn.Module) -> AdapterControl:
	"""The adapter of a file with a module's tensors."""
	save_file(module.state_dict(), path)
	net = load_control(Load((path,), 'controlnet'))
	assert isinstance(net, AdapterControl)
	return net


def said(net: AdapterControl, hint: Tensor) -> tuple[Tensor, ...]:
	"""What it answers: nothing but what is added within the way down."""
	answer = net(X, torch.tensor([500.0]), NOTHING, hint)
	assert (answer.down, answer.middle, answer.single) == ((), None, ())
	return answer.inner


def alike(some: tuple[Tensor, ...], others: list[Tensor]) -> bool:
	"""Whether they are the same, up to rounding."""
	return all(torch.allclose(one, other, atol=1e-5) for one, other in zip(some, others, strict=True))


class TestLayouts:
	"""Each says what its authors' own layers say."""

	def test_full(self, tmp_path: Path) -> None:
		"""Residual blocks that are numbered through belong to levels, two by two."""
		module = Full(3).requires_grad_(False)
		net = loaded(tmp_path / 'full.safetensors', module)

		assert alike(said(net, HINT), module(HINT))
		assert net.nbytes == sum(weight.nbytes for weight in module.parameters())

	def test_full_of_grey_pictures(self, tmp_path: Path) -> None:
		"""Colours are averaged for one that was trained on sketches."""
		module = Full(1).requires_grad_(False)

		assert alike(said(loaded(tmp_path / 'grey.safetensors', module), HINT), module(HINT.mean(dim=1, keepdim=True)))

	def test_light(self, tmp_path: Path) -> None:
		"""Its levels have bodies of their own."""
		module = Light().requires_grad_(False)

		assert alike(said(loaded(tmp_path / 'light.safetensors', module), HINT), module(HINT))

	@pytest.mark.parametrize('kind', ['full_adapter', 'light_adapter', 'full_adapter_xl'])
	def test_diffusers(self, kind: str, tmp_path: Path) -> None:
		"""The names of diffusers; one for XL is known by its folding of 16 pixels."""
		channels = [4, 8, 16, 16] if kind.endswith('xl') else CHANNELS
		folding = 16 if kind.endswith('xl') else 8
		module = T2IAdapter(3, channels, 2, folding, kind).requires_grad_(False)
		net = loaded(tmp_path / 'own.safetensors', module)

		assert alike(said(net, HINT), module(HINT))
		assert net.folding == folding

	def test_sides_that_cannot_be_folded_are_stretched(self, tmp_path: Path) -> None:
		"""One for XL takes multiples of 16, latents stand for multiples of 8."""
		module = T2IAdapter(3, [4, 8, 16, 16], 2, 16, 'full_adapter_xl').requires_grad_(False)
		net = loaded(tmp_path / 'xl.safetensors', module)

		assert said(net, noise(1, 3, 40, 64))[0].shape == (1, 4, 3, 4)

	def test_missing_tensors_are_named(self, tmp_path: Path) -> None:
		"""A file that lacks some is refused."""
		tensors = Full(3).state_dict()
		del tensors['body.3.block2.weight']
		save_file(tensors, tmp_path / 'net.safetensors')

		with pytest.raises(UnknownFormat, match=r'lacks 1 tensors: body\.3\.block2\.weight'):
			load_control(Load((tmp_path / 'net.safetensors',), 'controlnet'))

	@pytest.mark.parametrize('prefix', ['', 'adapter.'])
	def test_family_is_known_of_those_for_xl(self, prefix: str) -> None:
		"""Others may be for Stable Diffusion 1 or 2."""
		block = f'{prefix}body.0.{"resnets.0." if prefix else ""}block1.weight'
		entries = {
			folded: {f'{prefix}conv_in.weight': (320, folded, 3, 3), block: (320, 320, 3, 3)} for folded in (192, 768)
		}

		assert recognise(MARKS, entries[768]) == {'family': 'sdxl'}
		assert recognise(MARKS, entries[192]) == {}


class TestDenoising:
	"""What an adapter does to a step."""

	def test_is_what_diffusers_makes_of_it(self, tmp_path: Path) -> None:
		"""The UNet gets the features times the strength, within its way down; only on its part of the way."""
		path = tmp_path / 'tiny.safetensors'
		tiny.save_checkpoint(path)
		denoiser = load_denoiser(Load((path,), 'denoiser'))
		# As in Stable Diffusion 1, the levels attend but for the last.
		config = {
			**tiny.UNET,
			'down_block_types': ['CrossAttnDownBlock2D', 'DownBlock2D'],
			'up_block_types': ['UpBlock2D', 'CrossAttnUpBlock2D'],
		}
		unet = tiny.make(UNet2DConditionModel, config).requires_grad_(False)
		network = UNet(unet, config, denoiser.latents)
		module, sigma = Full(3).requires_grad_(False), torch.tensor([2.0])
		net = loaded(tmp_path / 'full.safetensors', module)
		control = Control(net, ControlUse(REF, HINT.movedim(1, -1), strength=0.5))
		level = denoiser.parametrisation
		answer = residuals(Controls((control,)), X, sigma, NOTHING, level, denoiser.latents, unet)
		assert answer is not None
		scaled, time = level.scaled(X, sigma), level.timestep(sigma)
		ours = network(scaled, time, ModelInputs(NOTHING.embedding, residuals=answer))
		theirs = unet(
			scaled,
			time,
			NOTHING.embedding,
			down_intrablock_additional_residuals=[one * 0.5 for one in module(HINT)],
			return_dict=False,
		)[0]

		assert torch.allclose(ours, theirs, atol=1e-5)
		assert not torch.allclose(ours, network(scaled, time, NOTHING), atol=1e-3)
		late = Control(net, ControlUse(REF, HINT.movedim(1, -1), start=0.9))
		assert residuals(Controls((late,)), X, sigma, NOTHING, level, denoiser.latents, unet) is None
