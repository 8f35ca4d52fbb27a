"""Every kind of model with a UNet, in every layout: what is loaded says what the modules say that were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.facts import recognise
from engine.models import Load
from engine.tensorfile import read_header
from nodes.diffusion.checkpoint import load_autoencoder, load_denoiser, load_text_encoder
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.layout import stored
from nodes.diffusion.layouts import clip, unet, vae
from nodes.diffusion.marks import MARKS
from nodes.diffusion.text.towers import Towers
from nodes.diffusion.tokenizer import from_metadata
from nodes.values import Latent, Prompt
from tests import tiny, tiny_unets
from tests.tiny_unets import Model

X = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(5))
TEXT = 'red cat dog'


def unet_alone(model: Model, path: Path) -> Path:
	"""The UNet in the original layout, without anything before its names."""
	return tiny_unets.save(path, model.unet.state_dict(), unet.original(tiny_unets.UNETS[model.name]))


def said(denoiser: Denoiser, width: int) -> Tensor:
	"""What a loaded UNet says of X, with a prompt of one vector over and over."""
	prompt = Prompt(torch.full((1, 3, width), 0.5), torch.full((1, tiny_unets.WIDTH), 0.25))
	with torch.inference_mode():
		return denoiser.network(X, torch.tensor([500]), denoiser.inputs(prompt, X))


def expected(model: Model) -> Tensor:
	"""The same from the module that was written, called as diffusers' pipelines call it."""
	config = tiny_unets.UNETS[model.name]
	context = torch.full((1, 3, config['cross_attention_dim']), 0.5)
	more: dict[str, Any] = {}
	if 'addition_embed_type' in config:
		sizes = [64, 64, 0, 0, 6.0] if model.family == 'sdxl-refiner' else [64, 64, 0, 0, 64, 64]
		pooled = torch.full((1, tiny_unets.WIDTH), 0.25)
		more['added_cond_kwargs'] = {'text_embeds': pooled, 'time_ids': torch.tensor([sizes])}
	if 'class_embed_type' in config:
		more['class_labels'] = torch.zeros(1, 2 * tiny_unets.WIDTH)
	grey = torch.tensor([0.8223, -0.6876, 0.6364, 0.1380]).reshape(1, 4, 1, 1).expand(1, 4, 8, 8)
	beside = {4: [], 8: [torch.zeros(1, 4, 8, 8)], 9: [torch.ones(1, 1, 8, 8), grey]}[config.get('in_channels', 4)]
	with torch.inference_mode():
		answer: Tensor = model.unet(torch.cat([X, *beside], 1), torch.tensor([500]), context, **more).sample
	return answer


class TestDenoiser:
	@pytest.mark.parametrize('layout', ['whole', 'alone', 'diffusers', 'components'])
	def test_a_unet_says_what_the_written_one_says(
		self, layout: str, model: Model, whole: Path, components: Path, folder: Path, tmp_path: Path
	) -> None:
		"""From a whole checkpoint, alone in the original layout, and as diffusers writes it, with no config beside it."""
		path = {'whole': whole, 'components': components, 'diffusers': folder / 'unet.safetensors'}.get(layout)
		denoiser = load_denoiser(Load((path or unet_alone(model, tmp_path / 'unet.safetensors'),), 'denoiser'))

		width = tiny_unets.UNETS[model.name]['cross_attention_dim']

		assert denoiser.family == model.family
		assert torch.allclose(said(denoiser, width), expected(model), atol=1e-5)

	def test_latents_are_scaled_as_the_family_has_it(self, model: Model, whole: Path) -> None:
		"""0.18215 up to Stable Diffusion 2, 0.13025 from XL on."""
		scale = 0.13025 if model.family.startswith('sdxl') else 0.18215

		assert load_denoiser(Load((whole,), 'denoiser')).latents.scale == scale

	def test_the_check_knows_each_file_before_it_is_loaded(
		self, model: Model, whole: Path, folder: Path, tmp_path: Path
	) -> None:
		"""By the same marks."""
		alone = unet_alone(model, tmp_path / 'unet.safetensors')
		for path in (whole, folder / 'unet.safetensors', alone):
			facts = recognise(MARKS, read_header(path).shapes)

			assert facts == {'family': model.family, 'channels': 4}


class TestAutoEncoder:
	@pytest.mark.parametrize('layout', ['whole', 'alone', 'diffusers', 'components'])
	def test_a_vae_decodes_as_the_written_one(
		self, layout: str, model: Model, whole: Path, components: Path, folder: Path, tmp_path: Path
	) -> None:
		"""From a whole checkpoint, alone in the original layout, and as diffusers writes it."""
		if layout == 'alone':
			path = tiny_unets.save(tmp_path / 'vae.safetensors', model.vae.state_dict(), vae.original(tiny_unets.VAE))
		else:
			path = {'whole': whole, 'components': components}.get(layout, folder / 'vae.safetensors')
		loaded = load_autoencoder(Load((path,), 'vae'))
		decoder: Any = model.vae
		with torch.inference_mode():
			pixels = (decoder.decode(X).sample / 2 + 0.5).clamp(0, 1).movedim(1, -1)

		assert loaded.factor == 8
		assert torch.allclose(loaded.decode(Latent(X)).pixels, pixels, atol=1e-5)


class TestText:
	@pytest.mark.parametrize('layout', ['whole', 'transformers', 'alone', 'components'])
	def test_a_prompt_is_what_the_written_towers_say(
		self, layout: str, model: Model, whole: Path, components: Path, folder: Path, tmp_path: Path
	) -> None:
		"""From a whole checkpoint, and from a file for each text encoder, in any order."""
		prompt = loaded_towers(layout, model, whole, components, folder, tmp_path).encode(TEXT).prompts[0]
		wanted = expected_prompt(model)

		assert torch.allclose(prompt.embedding, wanted.embedding, atol=1e-5)
		assert (prompt.pooled is None) == (wanted.pooled is None)
		assert prompt.pooled is None or torch.allclose(prompt.pooled, not_none(wanted.pooled), atol=1e-5)


def loaded_towers(layout: str, model: Model, whole: Path, components: Path, folder: Path, tmp_path: Path) -> Towers:
	"""The text encoders of a model, from a layout."""
	if layout in ('whole', 'components'):
		return load_text_encoder(Load((whole if layout == 'whole' else components,), 'text'))
	paths = [folder / f'{name}.safetensors' for name in model.towers]
	if layout == 'alone':
		for name, tower in model.towers.items():
			form = clip.own if name == 'clip_l' else clip.open_clip
			tiny_unets.save(tmp_path / f'{name}.safetensors', tower.state_dict(), form(tiny_unets.clip_config(name)))
		paths = [tmp_path / path.name for path in paths]
	option = 'sdxl' if model.family == 'sdxl' else 'stable_diffusion'
	return load_text_encoder(Load(tuple(reversed(paths)), 'text', option=option))


def expected_prompt(model: Model) -> Prompt:
	"""What transformers' modules say, put together as diffusers' pipelines do."""
	metadata = tiny.metadata()
	tokenizer = from_metadata(metadata['tokenizer_vocab'], metadata['tokenizer_merges'])
	said: dict[str, Any] = {}
	for name, tower in model.towers.items():
		words = [tokenizer.start, *tokenizer(TEXT), tokenizer.end]
		filling = tokenizer.end if name == 'clip_l' else 0
		numbers = torch.tensor([words + [filling] * (tiny.LENGTH - len(words))])
		with torch.inference_mode():
			said[name] = tower(input_ids=numbers, output_hidden_states=True)
	if model.family == 'sd1':
		return Prompt(said['clip_l'].last_hidden_state)
	if model.family == 'sd2':
		norm = model.towers['clip_h'].text_model.final_layer_norm
		return Prompt(norm(said['clip_h'].hidden_states[-2]))
	parts = [said[name].hidden_states[-2] for name in ('clip_l', 'clip_g') if name in said]
	return Prompt(torch.cat(parts, dim=-1), said['clip_g'].text_embeds)


def not_none(tensor: Tensor | None) -> Tensor:
	assert tensor is not None
	return tensor


@pytest.mark.parametrize(
	('markers', 'high', 'scale'),
	[
		(('edm_vpred.sigma_max', 'edm_vpred.sigma_min'), 120.0, 0.13025),
		(('edm_mean', 'edm_std'), 80.0, (0.5 / 8.4927, 0.5 / 5.9022, 0.5 / 6.5498, 0.5 / 5.2299)),
	],
)
def test_relatives_of_xl_are_known_by_their_markers(
	markers: tuple[str, ...], high: float, scale: object, tmp_path: Path
) -> None:
	"""CosXL and Playground v2.5 have other noise levels, and Playground other latents; all else is XL's."""
	kept = tiny_unets.model('sdxl').whole() | {name: torch.ones(1) for name in markers}
	denoiser = load_denoiser(Load((tiny_unets.save(tmp_path / 'model.safetensors', kept),), 'denoiser'))

	assert denoiser.family == 'sdxl'
	assert float(denoiser.parametrisation.sigmas[-1]) == pytest.approx(high)
	assert denoiser.latents.scale == scale
	assert denoiser.latents.process_out(denoiser.latents.process_in(X)) == pytest.approx(X, abs=1e-5)


@pytest.mark.parametrize(
	('markers', 'heard'), [((), 3.0), (('edm_vpred.sigma_max', 'edm_vpred.sigma_min'), 3.0 * 0.13025)]
)
def test_cosxl_edit_hears_the_picture_in_its_own_scale(markers: tuple[str, ...], heard: float, tmp_path: Path) -> None:
	"""Other models of XL that edit hear it as the VAE gives it."""
	kept = tiny_unets.model('sdxl').whole() | {name: torch.ones(1) for name in markers}
	first = 'model.diffusion_model.input_blocks.0.0.weight'
	kept[first] = torch.cat([kept[first]] * 2, dim=1)
	denoiser = load_denoiser(Load((tiny_unets.save(tmp_path / 'model.safetensors', kept),), 'denoiser'))
	prompt = Prompt(torch.zeros(1, 1, 1), torch.zeros(1, 1280), concat=torch.full_like(X, 3.0))

	assert not_none(denoiser.inputs(prompt, X).concat) == pytest.approx(torch.full_like(X, heard))


def test_what_training_left_beside_a_part_is_passed_over(model: Model, tmp_path: Path) -> None:
	"""A discriminator beside the VAE, a moving average, an embedding of guidance strengths beside the UNet."""
	coder = stored(vae.original(tiny_unets.VAE), model.vae.state_dict())
	more = {'loss.discriminator.main.0.weight': torch.zeros(1), 'model_ema.decay': torch.zeros(1)}
	path = tiny_unets.save(tmp_path / 'vae.safetensors', coder | more)
	distilled = model.unet.state_dict() | {'time_embedding.cond_proj.weight': torch.zeros(32, 256)}
	unet_path = tiny_unets.save(tmp_path / 'unet.safetensors', distilled)

	assert load_autoencoder(Load((path,), 'vae')).nbytes > 0
	assert load_denoiser(Load((unet_path,), 'denoiser')).family == model.family


def test_stored_modules_keep_every_weight(model: Model) -> None:
	"""The way back to the original layout loses nothing."""
	config = tiny_unets.UNETS[model.name]
	kept = stored(unet.original(config), model.unet.state_dict())

	assert sum(tensor.numel() for tensor in kept.values()) == sum(p.numel() for p in model.unet.parameters())
