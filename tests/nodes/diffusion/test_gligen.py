"""GLIGEN against diffusers' own, which has it inside the UNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import SD3Transformer2DModel, UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor

from engine.errors import NodeUsage, UnknownFamily, UnknownFormat
from engine.facts import recognise
from engine.models import FileDigest, Load, ModelRef
from nodes.diffusion.checkpoint import load_denoiser
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.gligen import Gligen, load_gligen
from nodes.diffusion.guidance import Sides
from nodes.diffusion.layout import plain
from nodes.diffusion.layouts import unet
from nodes.diffusion.marks import MARKS
from nodes.diffusion.sizes import measure
from nodes.grounding_values import Grounder, Grounding, Phrase
from nodes.values import Area, Conditioning, Prompt, Scope
from tests import tiny, tiny_adapters, tiny_unets
from tests.nodes.diffusion.patches.conftest import noise
from tests.tiny_transformers import NETWORKS

CONFIG = tiny_unets.SD1
WIDTH = tiny_unets.WIDTH
REF = ModelRef[Grounder](FileDigest('gligen'), 'gligen')
X, SIGMA = noise(1, 4, 8, 16), torch.tensor([2.0])
PHRASES = (
	Phrase(noise(1, WIDTH, seed=5), Area(4, 6, 2, 1)),
	Phrase(noise(1, WIDTH, seed=6), Area(8, 8, 0, 8)),
)


@pytest.fixture(scope='module')
def gated() -> Any:
	"""diffusers' UNet with GLIGEN, none of whose gates is closed."""
	with torch.random.fork_rng(devices=[]):
		torch.manual_seed(0)
		module: Any = tiny.make(UNet2DConditionModel, {**CONFIG, 'attention_type': 'gated'})
		for weight in module.parameters():
			weight.requires_grad_(False).add_(torch.randn_like(weight) * 0.05)
	return module.eval()


@pytest.fixture
def path(gated: Any, tmp_path: Path) -> Path:
	"""The GLIGEN of it as a file."""
	path = tmp_path / 'gligen.safetensors'
	save_file(tiny_adapters.gligen(gated, CONFIG), path)
	return path


@pytest.fixture
def gligen(path: Path) -> Gligen:
	"""The same, read."""
	return load_gligen(Load((path,), 'gligen'))


@pytest.fixture
def denoiser(gated: Any, tmp_path: Path) -> Denoiser:
	"""The UNet without it, from a file in the original layout."""
	tensors = {f'{tiny.CHECKPOINT}{stored}': gated.get_parameter(name).clone() for name, stored in unet.names(CONFIG)}
	path = tmp_path / 'unet.safetensors'
	save_file(tensors, path)
	return load_denoiser(Load((path,), 'denoiser'))


def prompt(gligen: Gligen, phrases: tuple[Phrase, ...] = PHRASES, scope: Scope | None = None) -> Prompt:
	"""A prompt with phrases in places."""
	given = Prompt(noise(1, 7, WIDTH), grounding=Grounding(REF, phrases), grounder=gligen)
	return given if scope is None else Prompt(given.embedding, scope=scope, grounding=given.grounding, grounder=gligen)


def boxes(height: int, width: int) -> dict[str, Tensor]:
	"""What diffusers is told of the phrases."""
	told = {
		'boxes': torch.zeros(1, 30, 4),
		'masks': torch.zeros(1, 30),
		'positive_embeddings': torch.zeros(1, 30, WIDTH),
	}
	told['boxes'][0, 0] = torch.tensor([1 / width, 2 / height, 7 / width, 6 / height])
	told['boxes'][0, 1] = torch.tensor([8 / width, 0, 16 / width, 8 / height])
	told['masks'][0, :2] = 1
	told['positive_embeddings'][0, :2] = torch.cat([phrase.vector for phrase in PHRASES])
	return told


class TestDenoising:
	def test_is_what_diffusers_makes_of_it(self, denoiser: Denoiser, gligen: Gligen, gated: Any) -> None:
		"""The same UNet with the same phrases in the same boxes."""
		level = denoiser.parametrisation
		inputs = denoiser.inputs(prompt(gligen), X)
		guess = denoiser.denoise(X, SIGMA, inputs)
		said = gated(
			level.scaled(X, SIGMA),
			level.timestep(SIGMA),
			inputs.embedding,
			cross_attention_kwargs={'gligen': boxes(8, 16)},
			return_dict=False,
		)[0]
		plain_guess = denoiser.denoise(X, SIGMA, denoiser.inputs(Prompt(inputs.embedding), X))

		assert torch.allclose(guess, level.denoised(X, said, SIGMA), atol=1e-4)
		assert not torch.allclose(guess, plain_guess, atol=1e-2)

	def test_nothing_stays_behind(self, denoiser: Denoiser, gligen: Gligen) -> None:
		"""The UNet is shared with others that know no phrases."""
		inputs = denoiser.inputs(Prompt(noise(1, 7, WIDTH)), X)
		before = denoiser.denoise(X, SIGMA, inputs)
		denoiser.denoise(X, SIGMA, denoiser.inputs(prompt(gligen), X))

		assert torch.equal(before, denoiser.denoise(X, SIGMA, inputs))
		assert not any('fuser' in part.__dict__ for part in denoiser.network.module.modules())
		assert not any('fuser' in name for name in denoiser.network.module.state_dict())

	def test_both_sides_share_a_batch(self, denoiser: Denoiser, gligen: Gligen) -> None:
		"""With the same phrases, two prompts are looked at in one call, each as it would be alone."""
		first, second = prompt(gligen), prompt(gligen, PHRASES)
		second = Prompt(noise(1, 7, WIDTH, seed=9), grounding=second.grounding, grounder=gligen)
		sides = Sides(denoiser, [Conditioning((first,)), Conditioning((second,))], X)
		calls: list[int] = []
		hook = denoiser.network.module.register_forward_pre_hook(lambda module, given: calls.append(len(given[0])))
		one, other = sides.guesses(X, SIGMA[0], (0, 1))
		hook.remove()
		alone = denoiser.denoise(X, SIGMA, denoiser.inputs(second, X))

		assert calls == [2]
		assert torch.allclose(other, alone, atol=1e-4)
		assert not torch.allclose(one, other, atol=1e-3)

	def test_boxes_are_parts_of_a_prompts_own_area(self, denoiser: Denoiser, gligen: Gligen) -> None:
		"""Of what is looked at by it, not of the whole latent."""
		inputs = denoiser.inputs(prompt(gligen, scope=Scope(area=Area(8, 8))), X)

		assert inputs.objects is not None
		assert torch.equal(inputs.objects, gligen.tokens(PHRASES, 8, 8))
		assert not torch.equal(inputs.objects, gligen.tokens(PHRASES, 8, 16))


class TestMistakes:
	def test_too_many_phrases(self, gligen: Gligen) -> None:
		"""With how many there are."""
		with pytest.raises(NodeUsage, match='up to 30 phrases; there are 31'):
			gligen.tokens(PHRASES[:1] * 31, 8, 8)

	def test_phrases_of_another_encoder(self, gligen: Gligen) -> None:
		"""With both widths."""
		with pytest.raises(NodeUsage, match='phrases of width 64; these have 8'):
			gligen.tokens([Phrase(noise(1, 8), Area(8, 8))], 8, 8)

	@pytest.mark.parametrize('other', ['narrow', 'transformer'])
	def test_other_models(self, other: str, gligen: Gligen) -> None:
		"""They are told by what they are, and what they lack."""
		module = tiny.modules(0)[0]
		layout = unet.original(tiny.UNET)
		if other == 'transformer':
			module, layout = tiny.make(SD3Transformer2DModel, NETWORKS['sd3'].config), plain({})

		with pytest.raises(NodeUsage, match=rf'for a UNet of Stable Diffusion 1; the model, a {type(module).__name__}'):
			gligen.inside(module, layout)


class TestFiles:
	def test_are_known(self, path: Path, gligen: Gligen) -> None:
		"""By the place of a phrase in no place; their size by the header."""
		size = measure(Load((path,), 'gligen'))

		assert size is not None
		assert size.nbytes == gligen.nbytes
		assert recognise(MARKS, {'position_net.null_positive_feature': (768,)}) == {'family': 'sd1'}

	def test_a_whole_model_may_be_in_it(self, path: Path, gated: Any, tmp_path: Path) -> None:
		"""What is not GLIGEN's is left."""
		whole = tmp_path / 'whole.safetensors'
		rest = {stored: gated.get_parameter(name).clone() for name, stored in unet.names(CONFIG)}
		save_file({**tiny_adapters.gligen(gated, CONFIG), **rest}, whole)
		one, other = (load_gligen(Load((file,), 'gligen')).tokens(PHRASES, 8, 8) for file in (path, whole))

		assert torch.equal(one, other)

	def test_others_are_refused(self, tmp_path: Path) -> None:
		"""With what is in them."""
		file = tmp_path / 'other.safetensors'
		save_file({'a.b': torch.zeros(1)}, file)

		with pytest.raises(UnknownFamily, match=r'no GLIGEN of text in boxes: its tensors are a\.b'):
			load_gligen(Load((file,), 'gligen'))

	def test_missing_tensors_are_named(self, gated: Any, tmp_path: Path) -> None:
		"""A file that lacks some is refused."""
		tensors = tiny_adapters.gligen(gated, CONFIG)
		del tensors['middle_block.1.transformer_blocks.0.fuser.alpha_attn']
		file = tmp_path / 'short.safetensors'
		save_file(tensors, file)

		with pytest.raises(
			UnknownFormat, match=r'lacks 1 tensors: middle_block\.1\.transformer_blocks\.0\.fuser\.alpha'
		):
			load_gligen(Load((file,), 'gligen'))
