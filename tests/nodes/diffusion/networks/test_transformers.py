"""Transformers called as networks, against diffusers' modules called as its pipelines call them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import Flux2KleinPipeline, FluxPipeline, QwenImagePipeline
from torch import Tensor

from engine.errors import NodeUsage
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.networks.flux import FluxTransformer
from nodes.diffusion.networks.flux2 import Flux2Transformer
from nodes.diffusion.networks.patches import packed, unpacked
from nodes.diffusion.networks.qwen_image import QwenImageTransformer
from nodes.diffusion.networks.sd3 import Sd3Transformer
from nodes.diffusion.networks.z_image import ZImageTransformer
from nodes.values import ModelInputs, Prompt
from tests.tiny_transformers import NETWORKS, WIDTH, Network

PLAIN = LatentFormat(channels=16)
SIGMA = torch.tensor([0.3, 0.8])


def prompt(kind: str, tokens: int = 5, **more: Any) -> Prompt:
	"""A prompt as wide as the network listens to."""
	config = NETWORKS[kind].config
	width = config.get('joint_attention_dim', WIDTH)
	pooled = config.get('pooled_projection_dim')
	with torch.random.fork_rng(devices=[]):
		torch.manual_seed(1)
		return Prompt(torch.randn(1, tokens, width), torch.randn(1, pooled) if pooled else None, **more)


def twice(inputs: ModelInputs) -> ModelInputs:
	"""Inputs for a batch of two."""
	values = {name: getattr(inputs, name) for name in ('embedding', 'pooled', 'guidance', 'concat')}
	repeated = {name: value.expand(2, *value.shape[1:]) for name, value in values.items() if value is not None}
	return ModelInputs(
		**repeated,
		references=tuple(one.expand(2, -1, -1, -1) for one in inputs.references),
		places=tuple(one.expand(2, -1) for one in inputs.places),
	)


def noise(height: int = 6, width: int = 8, channels: int = 16) -> Tensor:
	"""Two noisy latents."""
	return torch.randn(2, channels, height, width, generator=torch.Generator().manual_seed(2))


class TestSd3:
	def test_says_what_the_module_says(self) -> None:
		"""Embedding and pooled vector go in as they are, time as it comes."""
		module = NETWORKS['sd3.5'].make()
		network = Sd3Transformer(module, NETWORKS['sd3.5'].config)
		x, text = noise(), prompt('sd3.5')
		assert text.pooled is not None
		said = network(x, SIGMA * 1000, twice(network.inputs(text, x)))
		expected = module(
			x,
			encoder_hidden_states=text.embedding.expand(2, -1, -1),
			pooled_projections=text.pooled.expand(2, -1),
			timestep=SIGMA * 1000,
		).sample

		assert torch.equal(said, expected)

	def test_odd_sides_are_cut_again(self) -> None:
		"""What it says is of the latent's shape, and not all alike."""
		network = Sd3Transformer(NETWORKS['sd3'].make(), NETWORKS['sd3'].config)
		x = noise(5, 7)
		said = network(x, SIGMA * 1000, twice(network.inputs(prompt('sd3'), x)))

		assert said.shape == x.shape
		assert said.std() > 0

	def test_latents_beyond_its_positions_are_refused(self) -> None:
		"""With the sides that it takes."""
		network = Sd3Transformer(NETWORKS['sd3'].make(), NETWORKS['sd3'].config)

		with pytest.raises(NodeUsage, match='up to 32 × 32; this one is 34 × 8'):
			network.inputs(prompt('sd3'), noise(34, 8))

	def test_no_pooled_vector_counts_as_zeros(self) -> None:
		"""As with T5 alone."""
		network = Sd3Transformer(NETWORKS['sd3'].make(), NETWORKS['sd3'].config)
		pooled = network.inputs(Prompt(torch.zeros(1, 5, 2 * WIDTH)), noise()).pooled

		assert pooled is not None
		assert pooled.shape == (1, 2 * WIDTH)
		assert not pooled.any()


class TestFlux:
	@pytest.mark.parametrize('kind', ['flux', 'flux-schnell'])
	def test_says_what_the_pipeline_hears(self, kind: str) -> None:
		"""Tokens, positions and guidance as the pipeline makes them."""
		module = NETWORKS[kind].make()
		network = FluxTransformer(module, NETWORKS[kind].config, PLAIN)
		x, text = noise(), prompt(kind, guidance=2.0)
		assert text.pooled is not None
		said = network(x, SIGMA, twice(network.inputs(text, x)))
		tokens = module(
			FluxPipeline._pack_latents(x, 2, 16, 6, 8),
			encoder_hidden_states=text.embedding.expand(2, -1, -1),
			pooled_projections=text.pooled.expand(2, -1),
			timestep=SIGMA,
			img_ids=FluxPipeline._prepare_latent_image_ids(2, 3, 4, torch.device('cpu'), torch.float32),
			txt_ids=torch.zeros(5, 3),
			guidance=torch.full([2], 2.0) if kind == 'flux' else None,
		).sample

		assert torch.equal(said, FluxPipeline._unpack_latents(tokens, 6 * 8, 8 * 8, 8))

	def test_guidance_is_three_and_a_half_by_default(self) -> None:
		"""Where the prompt has none of its own; models without guidance get none."""
		guided = FluxTransformer(NETWORKS['flux'].make(), NETWORKS['flux'].config, PLAIN)
		free = FluxTransformer(NETWORKS['flux-schnell'].make(), NETWORKS['flux-schnell'].config, PLAIN)
		guidance = guided.inputs(prompt('flux'), noise()).guidance

		assert guidance is not None
		assert guidance.tolist() == [3.5]
		assert free.inputs(prompt('flux-schnell'), noise()).guidance is None

	def test_references_stand_beside_the_picture(self) -> None:
		"""The first at the left edge of plane 1, the next to its right where that keeps the whole compact."""
		module = NETWORKS['flux'].make()
		network = FluxTransformer(module, NETWORKS['flux'].config, LatentFormat(channels=16, scale=2.0, shift=0.5))
		first, second = noise(4, 4)[:1], noise(6, 2)[:1]
		x, text = noise(), prompt('flux', references=(first, second))
		assert text.pooled is not None
		inputs = network.inputs(text, x)
		said = network(x, SIGMA, twice(inputs))
		ids = [
			FluxPipeline._prepare_latent_image_ids(1, rows, columns, torch.device('cpu'), torch.float32)
			for rows, columns in ((3, 4), (2, 2), (3, 1))
		]
		ids[1] = ids[1] + torch.tensor([1.0, 0, 0])
		ids[2] = ids[2] + torch.tensor([1.0, 0, 2])
		tokens = module(
			torch.cat(
				[
					FluxPipeline._pack_latents(x, 2, 16, 6, 8),
					FluxPipeline._pack_latents((first - 0.5) * 2, 1, 16, 4, 4).expand(2, -1, -1),
					FluxPipeline._pack_latents((second - 0.5) * 2, 1, 16, 6, 2).expand(2, -1, -1),
				],
				dim=1,
			),
			encoder_hidden_states=text.embedding.expand(2, -1, -1),
			pooled_projections=text.pooled.expand(2, -1),
			timestep=SIGMA,
			img_ids=torch.cat(ids),
			txt_ids=torch.zeros(5, 3),
			guidance=torch.full([2], 3.5),
		).sample[:, :12]

		assert torch.equal(said, FluxPipeline._unpack_latents(tokens, 6 * 8, 8 * 8, 8))

	def test_control_models_get_the_latent_beside(self) -> None:
		"""In the network's scale; zeros of the wire where there is none."""
		latents = LatentFormat(channels=16, scale=2.0, shift=0.5)
		network = FluxTransformer(NETWORKS['flux-depth'].make(), NETWORKS['flux-depth'].config, latents)
		beside, x = noise()[:1], noise()
		given = network.inputs(prompt('flux-depth', concat=beside), x).concat
		without = network.inputs(prompt('flux-depth'), x).concat

		assert given is not None
		assert without is not None
		assert torch.equal(given, (beside - 0.5) * 2)
		assert torch.equal(without, torch.full_like(beside, -1))

	def test_fill_models_get_latent_and_mask(self) -> None:
		"""The mask of 8×8 pixels becomes 64 channels, as the fill pipeline folds it."""
		network = FluxTransformer(NETWORKS['flux-fill'].make(), NETWORKS['flux-fill'].config, PLAIN)
		beside, x = noise()[:1], noise()
		mask = (torch.rand(1, 1, 48, 64) > 0.5).float()
		concat = network.inputs(prompt('flux-fill', concat=beside, concat_mask=mask), x).concat
		folded = mask[:, 0].view(1, 6, 8, 8, 8).permute(0, 2, 4, 1, 3).reshape(1, 64, 6, 8)

		assert concat is not None
		assert torch.equal(concat, torch.cat([beside, folded], dim=1))
		assert network(x, SIGMA, twice(network.inputs(prompt('flux-fill'), x))).shape == x.shape

	@pytest.mark.parametrize(('pictures', 'masks', 'latents'), [(2, 1, 2), (3, 2, 3), (1, 2, 4)])
	def test_fill_models_take_other_numbers_of_pictures_and_masks(
		self, pictures: int, masks: int, latents: int
	) -> None:
		"""Both are spread over the latents, in their order."""
		network = FluxTransformer(NETWORKS['flux-fill'].make(), NETWORKS['flux-fill'].config, PLAIN)
		beside = torch.arange(1.0, pictures + 1).reshape(-1, 1, 1, 1).expand(-1, 16, 6, 8)
		mask = torch.arange(1.0, masks + 1).reshape(-1, 1, 1, 1).expand(-1, 1, 48, 64)
		x = torch.zeros(latents, 16, 6, 8)
		concat = network.inputs(prompt('flux-fill', concat=beside, concat_mask=mask), x).concat

		assert concat is not None
		assert concat[:, 0, 0, 0].tolist() == [1 + int((n + 0.5) * pictures / latents) for n in range(latents)]
		assert concat[:, 16, 0, 0].tolist() == [1 + int((n + 0.5) * masks / latents) for n in range(latents)]


class TestFlux2:
	def test_says_what_the_pipeline_hears(self) -> None:
		"""Positions of text, picture and references as the pipeline makes them."""
		module = NETWORKS['flux2-dev'].make()
		network = Flux2Transformer(module, NETWORKS['flux2-dev'].config, PLAIN)
		references = (noise(2, 3, 128)[:1], noise(3, 1, 128)[:1])
		x, text = noise(2, 3, 128), prompt('flux2-dev', tokens=512, references=references, guidance=4.0)
		said = network(x, SIGMA, twice(network.inputs(text, x)))
		pack = Flux2KleinPipeline._pack_latents
		tokens = module(
			torch.cat([pack(x), *(pack(one).expand(2, -1, -1) for one in references)], dim=1),
			encoder_hidden_states=text.embedding.expand(2, -1, -1),
			timestep=SIGMA,
			img_ids=torch.cat(
				[
					Flux2KleinPipeline._prepare_latent_ids(x)[0],
					Flux2KleinPipeline._prepare_image_ids([one[0] for one in references])[0],
				]
			),
			txt_ids=Flux2KleinPipeline._prepare_text_ids(text.embedding)[0],
			guidance=torch.full([2], 4.0),
		).sample[:, :6]

		assert torch.allclose(said, tokens.movedim(1, 2).reshape(2, 128, 2, 3), atol=1e-6)

	def test_short_texts_are_filled_up_in_front(self) -> None:
		"""With zeros, to 512 tokens."""
		network = Flux2Transformer(NETWORKS['flux2'].make(), NETWORKS['flux2'].config, PLAIN)
		text = prompt('flux2')
		embedding = network.inputs(text, noise(2, 2, 128)).embedding

		assert embedding.shape[1] == 512
		assert not embedding[:, :-5].any()
		assert torch.equal(embedding[:, -5:], text.embedding)


class TestQwenImage:
	def test_says_what_the_pipeline_hears(self) -> None:
		"""With a reference, whose shape is told after the picture's."""
		module = NETWORKS['qwen-image'].make()
		network = QwenImageTransformer(module, NETWORKS['qwen-image'].config, PLAIN)
		reference = noise(4, 4)[:1]
		x, text = noise(), prompt('qwen-image', references=(reference,))
		said = network(x, SIGMA, twice(network.inputs(text, x)))
		tokens = module(
			torch.cat(
				[
					QwenImagePipeline._pack_latents(x, 2, 16, 6, 8),
					QwenImagePipeline._pack_latents(reference, 1, 16, 4, 4).expand(2, -1, -1),
				],
				dim=1,
			),
			encoder_hidden_states=text.embedding.expand(2, -1, -1),
			timestep=SIGMA,
			img_shapes=[[(1, 3, 4), (1, 2, 2)]] * 2,
		).sample[:, :12]

		assert torch.equal(said, QwenImagePipeline._unpack_latents(tokens, 6 * 8, 8 * 8, 8)[:, :, 0])

	def test_references_may_be_heard_as_clean(self) -> None:
		"""By models that are marked so, at time 0."""
		config = {**NETWORKS['qwen-image'].config, 'zero_cond_t': True}
		marked = Network(NETWORKS['qwen-image'].cls, config, NETWORKS['qwen-image'].read).make()
		network = QwenImageTransformer(marked, config, PLAIN)
		x, text = noise(), prompt('qwen-image', references=(noise(4, 4)[:1],))
		said = network(x, SIGMA, twice(network.inputs(text, x)))
		tokens = marked(
			torch.cat([packed(x), packed(text.references[0]).expand(2, -1, -1)], dim=1),
			encoder_hidden_states=text.embedding.expand(2, -1, -1),
			timestep=SIGMA,
			img_shapes=[[(1, 3, 4), (1, 2, 2)]] * 2,
		).sample[:, :12]

		assert torch.equal(said, unpacked(tokens, x))

	def test_a_prompt_may_ask_for_it(self) -> None:
		"""The same weights without the mark say then what marked ones say, and the next prompt is heard as ever."""
		module = NETWORKS['qwen-image'].make()
		plain = QwenImageTransformer(module, NETWORKS['qwen-image'].config, PLAIN)
		marked = QwenImageTransformer(module, {**NETWORKS['qwen-image'].config, 'zero_cond_t': True}, PLAIN)
		x, references = noise(), (noise(4, 4)[:1],)
		text = prompt('qwen-image', references=references)
		asking = prompt('qwen-image', references=references, reference_method='index_timestep_zero')
		before = plain(x, SIGMA, twice(plain.inputs(text, x)))
		asked = plain(x, SIGMA, twice(plain.inputs(asking, x)))

		assert torch.equal(asked, marked(x, SIGMA, twice(marked.inputs(text, x))))
		assert not torch.equal(asked, before)
		assert torch.equal(plain(x, SIGMA, twice(plain.inputs(text, x))), before)

	def test_ways_that_it_has_not_are_refused(self) -> None:
		"""It has planes only."""
		network = QwenImageTransformer(NETWORKS['qwen-image'].make(), NETWORKS['qwen-image'].config, PLAIN)

		with pytest.raises(NodeUsage, match="not by 'uxo'"):
			network.inputs(prompt('qwen-image', reference_method='uxo'), noise())


class TestZImage:
	def test_time_and_answer_are_turned_round(self) -> None:
		"""The module's time is 1 − sigma, and it says clean − noise."""
		module = NETWORKS['z-image'].make()
		network = ZImageTransformer(module, NETWORKS['z-image'].config)
		x, text = noise(), prompt('z-image')
		said = network(x, SIGMA, twice(network.inputs(text, x)))
		frames = module(list(x[:, :, None]), 1 - SIGMA, [text.embedding[0]] * 2).sample

		assert torch.equal(said, -torch.stack(frames)[:, :, 0])

	def test_tokens_that_are_only_filled_up_are_left_out(self) -> None:
		"""A prompt with filling is heard as the one without."""
		network = ZImageTransformer(NETWORKS['z-image'].make(), NETWORKS['z-image'].config)
		x, text = noise()[:1], prompt('z-image')
		filled = Prompt(torch.cat([text.embedding, torch.ones(1, 3, WIDTH)], dim=1), token_mask=torch.ones(1, 8))
		assert filled.token_mask is not None
		filled.token_mask[:, 5:] = 0

		assert torch.equal(
			network(x, SIGMA[:1], network.inputs(filled, x)), network(x, SIGMA[:1], network.inputs(text, x))
		)


class TestPrecision:
	@pytest.mark.parametrize(
		('kind', 'network'),
		[('flux', FluxTransformer), ('flux2-dev', Flux2Transformer), ('qwen-image', QwenImageTransformer)],
	)
	def test_time_is_not_rounded_to_bfloat16(self, kind: str, network: Any) -> None:
		"""Sigmas that it cannot tell apart are heard as two."""
		module = NETWORKS[kind].make().to(torch.bfloat16)
		called = network(module, NETWORKS[kind].config, PLAIN)
		x = noise(2, 2, 128) if kind == 'flux2-dev' else noise()
		inputs = twice(called.inputs(prompt(kind), x))
		near, nearer = torch.full([2], 0.7), torch.full([2], 0.7005)

		assert torch.equal(near.bfloat16(), nearer.bfloat16())
		assert not torch.equal(called(x, near, inputs), called(x, nearer, inputs))
		assert called(x, near, inputs).dtype == torch.float32


class TestAround:
	def test_the_same_network_around_other_weights(self) -> None:
		"""The one that it was made from keeps its own."""
		first, second = NETWORKS['flux'].make(1), NETWORKS['flux'].make(2)
		network = FluxTransformer(first, NETWORKS['flux'].config, PLAIN)
		x = noise()
		inputs = twice(network.inputs(prompt('flux'), x))

		assert network.around(second).module is second
		assert network.module is first
		assert not torch.equal(network.around(second)(x, SIGMA, inputs), network(x, SIGMA, inputs))
