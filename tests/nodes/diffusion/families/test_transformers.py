"""The families of transformers from files to pictures, and against diffusers called directly."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.errors import ModelError, NodeUsage, UnknownFormat
from engine.models import Load
from nodes.diffusion.checkpoint import load_autoencoder, load_denoiser, load_text_encoder
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.families import FAMILIES, find_denoiser
from nodes.diffusion.parametrisation import Flow
from nodes.diffusion.sample import sample
from nodes.diffusion.text.towers import Towers
from nodes.values import Images, Latent
from tests.tiny_transformers import NETWORKS, WIDTH, save_parts, save_whole

KINDS = {
	'sd3': ('sd3', 'sd3'),
	'sd3.5': ('sd3', 'sd3'),
	'flux': ('flux', 'flux'),
	'flux-schnell': ('flux', 'flux'),
	'flux-fill': ('flux', 'flux'),
	'flux2': ('flux2', 'flux2'),
	'qwen-image': ('qwen-image', 'qwen_image'),
	'z-image': ('z-image', 'lumina2'),
}
"""The kinds of tiny models: the family of each, and what loaders of text encoders call it."""


def denoiser(path: Path) -> Denoiser:
	"""Load a denoiser."""
	return load_denoiser(Load((path,), 'denoiser'))


def draw(model: Denoiser, texts: Towers, side: int = 8) -> torch.Tensor:
	"""Two steps of a KSampler, at a small size that no patch divides."""
	return sample(
		model,
		seed=3,
		steps=2,
		cfg=2.0,
		sampler='euler',
		scheduler='simple',
		positive=texts.encode('a (red:1.2) cat'),
		negative=texts.encode(''),
		latent=Latent(torch.zeros(1, model.latents.channels, side, side + 1)),
	)


class TestFromFilesToPictures:
	@pytest.mark.parametrize('kind', KINDS)
	def test_separate_files(self, kind: str, tmp_path: Path) -> None:
		"""Denoiser, text encoders and VAE from files of their own; two runs are equal bit for bit."""
		files = save_parts(tmp_path, kind)
		family, option = KINDS[kind]
		model = denoiser(files.denoiser)
		texts = load_text_encoder(Load(files.texts, 'text', option=option))
		vae = load_autoencoder(Load((files.vae,), 'vae'))
		latent = draw(model, texts)
		pictures = vae.decode(Latent(latent)).pixels
		pixels = model.latents.pixels

		assert model.family == family
		assert pictures.shape == (1, 8 * pixels, 9 * pixels, 3)
		assert bool(pictures.isfinite().all())
		assert pictures.std() > 0
		assert torch.equal(draw(model, texts), latent)
		assert vae.encode(Images(pictures)).samples.shape == latent.shape

	@pytest.mark.parametrize('kind', ['sd3', 'flux'])
	def test_one_file_with_everything(self, kind: str, tmp_path: Path) -> None:
		"""Says the same as separate files with the same weights."""
		save_whole(tmp_path / 'all.safetensors', kind)
		files = save_parts(tmp_path, kind)
		whole = Load((tmp_path / 'all.safetensors',), '')
		latent = draw(load_denoiser(whole), load_text_encoder(whole))
		apart = draw(denoiser(files.denoiser), load_text_encoder(Load(files.texts, 'text', option=KINDS[kind][1])))

		assert torch.equal(latent, apart)
		assert load_autoencoder(whole).decode(Latent(latent)).pixels.shape == (1, 64, 72, 3)

	def test_text_of_another_family_is_refused(self, tmp_path: Path) -> None:
		"""With both widths."""
		(tmp_path / 'flux').mkdir()
		(tmp_path / 'z').mkdir()
		model = denoiser(save_parts(tmp_path / 'flux', 'flux').denoiser)
		texts = load_text_encoder(Load(save_parts(tmp_path / 'z', 'z-image').texts, 'text', option='lumina2'))

		with pytest.raises(NodeUsage, match=r'width 32; the prompt has 16'):
			draw(model, texts)


class TestDenoiser:
	@pytest.mark.parametrize('kind', NETWORKS)
	def test_weights_are_those_of_the_module(self, kind: str, tmp_path: Path) -> None:
		"""Bit for bit, whether the file has the published layout or the module's own names."""
		if kind == 'wan-vae':
			return
		network = NETWORKS[kind]
		module = network.make()
		save_file(network.original(module), tmp_path / 'original.safetensors')
		save_file({name: one.clone() for name, one in module.state_dict().items()}, tmp_path / 'own.safetensors')

		for name in ('original', 'own'):
			loaded = denoiser(tmp_path / f'{name}.safetensors').network.module.state_dict()

			assert set(loaded) == set(module.state_dict())
			for tensor, value in module.state_dict().items():
				assert torch.equal(loaded[tensor], value), (name, tensor)

	def test_one_step_is_what_the_pipeline_would_take(self, tmp_path: Path) -> None:
		"""Euler on rectified flow: x + (next − sigma) · said, over Flux's shifted sigmas."""
		files = save_parts(tmp_path, 'flux')
		model = denoiser(files.denoiser)
		texts = load_text_encoder(Load(files.texts, 'text', option='flux'))
		empty = Latent(torch.zeros(1, 16, 8, 8))
		conditioning = texts.encode('a cat')
		got = sample(
			model,
			seed=5,
			steps=1,
			cfg=1.0,
			sampler='euler',
			scheduler='simple',
			positive=conditioning,
			negative=conditioning,
			latent=empty,
		)
		noise = torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(5))
		(prompt,) = conditioning.prompts
		said = model.network(noise, torch.ones(1), model.inputs(prompt, noise))

		assert torch.allclose(got, (noise - said) / 0.3611 + 0.1159, atol=1e-5)

	@pytest.mark.parametrize('lost', ['double_blocks.0.img_attn.proj.weight', 'final_layer.linear.bias'])
	def test_a_tensor_that_is_missing_is_named(self, lost: str, tmp_path: Path) -> None:
		"""As the file would have it."""
		tensors = NETWORKS['flux'].original(NETWORKS['flux'].make())
		del tensors[lost]
		save_file(tensors, tmp_path / 'flux.safetensors')

		with pytest.raises(UnknownFormat, match=lost):
			denoiser(tmp_path / 'flux.safetensors')

	@pytest.mark.parametrize('wrong', [(4,), (4, 4, 4)])
	def test_a_tensor_of_a_shape_that_no_model_has_is_an_error(self, wrong: tuple[int, ...], tmp_path: Path) -> None:
		"""Where the config is read from it."""
		tensors = NETWORKS['flux2'].original(NETWORKS['flux2'].make())
		save_file({**tensors, 'img_in.weight': torch.zeros(wrong)}, tmp_path / 'flux2.safetensors')

		with pytest.raises(UnknownFormat, match='shapes that no model has'):
			denoiser(tmp_path / 'flux2.safetensors')

	def test_a_tensor_that_tells_the_config_is_named_too(self, tmp_path: Path) -> None:
		"""With the prefix of a whole checkpoint."""
		tensors = NETWORKS['flux'].original(NETWORKS['flux'].make())
		del tensors['txt_in.weight']
		kept = {f'model.diffusion_model.{name}': tensor for name, tensor in tensors.items()}
		save_file(kept, tmp_path / 'flux.safetensors')

		with pytest.raises(UnknownFormat, match=r'transformer lacks model\.diffusion_model\.txt_in\.weight'):
			denoiser(tmp_path / 'flux.safetensors')


class TestParametrisation:
	@pytest.mark.parametrize(
		('kind', 'flow'),
		[
			('sd3', Flow(shift=3.0)),
			('flux', Flow(shift=1.15, multiplier=1.0, exponential=True, steps=10000)),
			('flux-schnell', Flow(shift=1.0, multiplier=1.0)),
			('flux2', Flow(shift=2.02, multiplier=1.0, exponential=True, steps=10000)),
			('qwen-image', Flow(shift=1.15, multiplier=1.0, exponential=True, steps=10000)),
			('z-image', Flow(shift=3.0, multiplier=1.0)),
		],
	)
	def test_each_family_has_its_shift(self, kind: str, flow: Flow, tmp_path: Path) -> None:
		"""And what the network hears of a sigma."""
		levels = denoiser(save_parts(tmp_path, kind).denoiser).parametrisation

		assert torch.equal(levels.sigmas, flow.sigmas)
		assert torch.equal(levels.timestep(torch.tensor(0.5)), flow.timestep(torch.tensor(0.5)))


class TestTexts:
	def test_sd3_joins_three_encoders(self, tmp_path: Path) -> None:
		"""CLIPs side by side and widened, then T5; pooled are both CLIPs."""
		files = save_parts(tmp_path, 'sd3')
		(prompt,) = load_text_encoder(Load(files.texts, 'text', option='sd3')).encode('a cat').prompts

		assert prompt.embedding.shape == (1, 2 * 77, 2 * WIDTH)
		assert prompt.pooled is not None
		assert prompt.pooled.shape == (1, 2 * WIDTH)

	def test_sd3_without_t5_has_the_clips_alone(self, tmp_path: Path) -> None:
		"""Widened to the real T5."""
		files = save_parts(tmp_path, 'sd3')
		(prompt,) = load_text_encoder(Load(files.texts[:2], 'text', option='sd3')).encode('a cat').prompts

		assert prompt.embedding.shape == (1, 77, 4096)
		assert not prompt.embedding[..., 2 * WIDTH :].any()

	def test_sd3_without_clip_l_leaves_its_place_empty(self, tmp_path: Path) -> None:
		"""As wide as the real one."""
		files = save_parts(tmp_path, 'sd3')
		(prompt,) = load_text_encoder(Load(files.texts[1:2], 'text', option='sd3')).encode('a cat').prompts

		assert not prompt.embedding[..., :768].any()
		assert bool(prompt.embedding[..., 768 : 768 + WIDTH].any())
		assert prompt.pooled is not None
		assert prompt.pooled.shape == (1, 768 + WIDTH)

	def test_sd3_with_t5_alone_has_no_pooled_vector(self, tmp_path: Path) -> None:
		"""The network then takes zeros."""
		files = save_parts(tmp_path, 'sd3')
		(prompt,) = load_text_encoder(Load(files.texts[2:], 'text', option='sd3')).encode('a cat').prompts

		assert prompt.embedding.shape == (1, 77, 2 * WIDTH)
		assert prompt.pooled is None

	def test_flux_hears_t5_and_the_pooled_clip(self, tmp_path: Path) -> None:
		"""At least 256 tokens."""
		files = save_parts(tmp_path, 'flux')
		(prompt,) = load_text_encoder(Load(files.texts[::-1], 'text', option='flux')).encode('a cat').prompts

		assert prompt.embedding.shape == (1, 256, 2 * WIDTH)
		assert prompt.pooled is not None
		assert prompt.pooled.shape == (1, WIDTH)

	def test_flux_needs_both(self, tmp_path: Path) -> None:
		"""The missing one is named."""
		files = save_parts(tmp_path, 'flux')

		with pytest.raises(ModelError, match='clip_l is missing'):
			load_text_encoder(Load(files.texts[1:], 'text', option='flux'))

	def test_klein_hears_three_layers_of_512_tokens(self, tmp_path: Path) -> None:
		"""The fourth layer of the tiny Qwen is not loaded."""
		files = save_parts(tmp_path, 'flux2')
		texts = load_text_encoder(Load(files.texts, 'text', option='flux2'))
		(prompt,) = texts.encode('a cat').prompts

		assert prompt.embedding.shape == (1, 512, 3 * WIDTH)
		assert texts.nbytes < sum(tensor.nbytes for tensor in load_file(files.texts[0]).values())

	def test_a_qwen_serves_the_family_that_is_asked_for(self, tmp_path: Path) -> None:
		"""The same file for Z-Image and for Klein."""
		files = save_parts(tmp_path, 'z-image')
		(wide,) = load_text_encoder(Load(files.texts, 'text', option='flux2')).encode('a cat').prompts
		(narrow,) = load_text_encoder(Load(files.texts, 'text', option='lumina2')).encode('a cat').prompts

		assert (wide.embedding.shape[-1], narrow.embedding.shape[-1]) == (3 * WIDTH, WIDTH)


class TestKnown:
	@pytest.mark.parametrize('kind', KINDS)
	def test_a_file_is_known_by_its_tensors(self, kind: str) -> None:
		"""Alone or in a whole checkpoint, in the published layout or the module's own names."""
		network = NETWORKS[kind]
		module = network.make()
		names = network.original(module), module.state_dict()

		for prefix in ('', 'model.diffusion_model.'):
			for tensors in names:
				known = find_denoiser({prefix + name: tuple(tensor.shape) for name, tensor in tensors.items()})

				assert known is not None
				assert known[0].name == KINDS[kind][0]

	def test_families_have_titles_of_their_own(self) -> None:
		"""Each is there once; those whose parts can be exchanged share a name."""
		assert len({family.title for family in FAMILIES}) == len(FAMILIES)
