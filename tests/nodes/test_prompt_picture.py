"""Prompts with pictures in them, by the tiny Qwen-Image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from engine.cancel import CancelToken
from engine.context import Context, JobInfo
from engine.errors import ModelError
from engine.models import Load, Loaders, ModelRef
from engine.modelstore import ModelStore
from engine.settings import Settings
from engine.storage import Storage
from nodes import load
from nodes.diffusion.checkpoint import load_autoencoder, load_text_encoder
from nodes.diffusion.text.eyes import Eyes, load_eyes
from nodes.diffusion.text.towers import Towers
from nodes.pixels.scale import resize_pictures
from nodes.prompt_picture import EDIT, PICTURE, encode_edit, encode_edit_plus
from nodes.values import AutoEncoder, Images, Prompt, TextEncoder
from tests.nodes.conftest import Bench, link, make_graph
from tests.tiny_transformers import save_parts

SEES = '<|vision_start|><|image_pad|><|vision_end|>'


@pytest.fixture(scope='module')
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""A models folder with the tiny Qwen-Image, a CLIP, and a VAE."""
	folder, parts = tmp_path_factory.mktemp('models'), tmp_path_factory.mktemp('parts')
	for kind in ('diffusion_models', 'text_encoders', 'vae'):
		(folder / kind).mkdir()
	files = save_parts(parts, 'qwen-image')
	files.denoiser.rename(folder / 'diffusion_models' / 'qwen.safetensors')
	files.texts[0].rename(folder / 'text_encoders' / 'qwen.safetensors')
	others = save_parts(parts, 'sd3')
	others.texts[0].rename(folder / 'text_encoders' / 'clip.safetensors')
	others.vae.rename(folder / 'vae' / 'quick.safetensors')  # as many channels, and no films
	return folder


@pytest.fixture
def context(tmp_path: Path, models: Path) -> Context:
	"""A context that can load them."""
	storage = Storage.of(Settings(base=tmp_path, models=models))
	loaders = Loaders()
	load.add_loaders(loaders)
	store = ModelStore(loaders, storage.catalogue.find, budget=1 << 30)
	return Context(
		JobInfo('job'), 'node', models=store, storage=storage, cancel=CancelToken(), publish=lambda event: None
	)


@pytest.fixture
def clip(context: Context) -> ModelRef[TextEncoder]:
	"""Qwen 2.5-VL."""
	return load.load_clip(context, 'qwen.safetensors', 'qwen_image')


@pytest.fixture
def vae(context: Context) -> ModelRef[AutoEncoder]:
	"""The VAE."""
	return load.load_vae(context, 'quick.safetensors')


@pytest.fixture(scope='module')
def encoder(models: Path) -> Towers:
	"""The same encoder, without a context."""
	return load_text_encoder(Load((models / 'text_encoders' / 'qwen.safetensors',), 'text', option='qwen_image'))


@pytest.fixture(scope='module')
def eyes(models: Path) -> Eyes:
	"""Its eyes."""
	return load_eyes(Load((models / 'text_encoders' / 'qwen.safetensors',), load.EYES, option='qwen_image'))


@pytest.fixture(scope='module')
def latents(models: Path) -> Callable[[Tensor], Tensor]:
	"""What the VAE makes of pictures."""
	autoencoder = load_autoencoder(Load((models / 'vae' / 'quick.safetensors',), 'vae'))
	return lambda pixels: autoencoder.encode(Images(pixels)).samples


def picture(height: int, width: int, *, seed: int = 0, channels: int = 3) -> Images:
	"""Noise."""
	return Images(torch.rand(1, height, width, channels, generator=torch.Generator().manual_seed(seed)))


def brought(image: Images, width: int, height: int) -> Images:
	"""A picture in another size."""
	return Images(resize_pictures(image.pixels[..., :3], width, height, 'area'))


def only(prompts: tuple[Prompt, ...]) -> Prompt:
	"""The one prompt."""
	(prompt,) = prompts
	return prompt


class TestEdit:
	def test_the_encoder_sees_the_picture_at_a_million_pixels(
		self, context: Context, clip: ModelRef[TextEncoder], encoder: Towers, eyes: Eyes
	) -> None:
		"""In its own aspect, before the words of the instruction; no reference without a VAE."""
		image = picture(96, 192)
		said = only(encode_edit(context, clip, 'a red cat', None, image).prompts)
		wanted = only(encoder.look(EDIT.format(f'{PICTURE}a red cat'), eyes.see([brought(image, 1448, 724)])).prompts)

		assert torch.equal(said.embedding, wanted.embedding)
		assert said.references == ()

	def test_a_vae_makes_the_same_picture_a_reference(
		self,
		context: Context,
		clip: ModelRef[TextEncoder],
		vae: ModelRef[AutoEncoder],
		latents: Callable[[Tensor], Tensor],
	) -> None:
		"""Its sides cut to what the VAE takes; its alpha is left out."""
		image = picture(96, 192, channels=4)
		(reference,) = only(encode_edit(context, clip, 'a red cat', vae, image).prompts).references

		assert reference.shape == (1, 16, 724 // 8, 1448 // 8)
		assert torch.equal(reference, latents(brought(image, 1448, 724).pixels))

	def test_without_a_picture_it_is_a_prompt_like_any_other(
		self, context: Context, clip: ModelRef[TextEncoder], vae: ModelRef[AutoEncoder], encoder: Towers
	) -> None:
		"""In the chat of Qwen-Image, with no reference."""
		said = only(encode_edit(context, clip, 'a red cat', vae).prompts)

		assert torch.equal(said.embedding, only(encoder.encode('a red cat').prompts).embedding)
		assert said.references == ()

	def test_a_prompt_may_be_a_chat_of_its_own(
		self, context: Context, clip: ModelRef[TextEncoder], encoder: Towers, eyes: Eyes
	) -> None:
		"""Then it says itself where the picture stands."""
		image = picture(64, 64)
		own = f'<|im_start|>system\nred<|im_end|>\n<|im_start|>user\ncat{SEES}<|im_end|>\n'
		said = only(encode_edit(context, clip, own, None, image).prompts)

		assert torch.equal(
			said.embedding, only(encoder.look(own, eyes.see([brought(image, 1024, 1024)])).prompts).embedding
		)

	def test_eyes_are_loaded_for_pictures_only(self, tmp_path: Path, models: Path) -> None:
		"""They are a part of their own; what each will take is told by the file's header."""
		storage = Storage.of(Settings(base=tmp_path, models=models))
		loaders = Loaders()
		load.add_loaders(loaders)
		store = ModelStore(loaders, storage.catalogue.find, budget=1 << 30)
		context = Context(
			JobInfo('job'), 'node', models=store, storage=storage, cancel=CancelToken(), publish=lambda event: None
		)
		clip = load.load_clip(context, 'qwen.safetensors', 'qwen_image')
		path = models / 'text_encoders' / 'qwen.safetensors'

		def told(part: str) -> int:
			size = loaders.measure(Load((path,), part, option='qwen_image'))
			assert size is not None
			return size.nbytes

		encode_edit(context, clip, 'a red cat')
		assert [(one.ref.part, one.nbytes) for one in store.residents()] == [(load.TEXT, told(load.TEXT))]

		encode_edit(context, clip, 'a red cat', None, picture(64, 64))
		assert {one.ref.part: one.nbytes for one in store.residents()} == {
			load.TEXT: told(load.TEXT),
			load.EYES: told(load.EYES),
		}
		assert told(load.TEXT) + told(load.EYES) == sum(one.nbytes for one in load_file(path).values())

	def test_an_encoder_without_eyes_is_refused(self, context: Context) -> None:
		"""By its name."""
		blind = load.load_clip(context, 'clip.safetensors', 'stable_diffusion')

		with pytest.raises(ModelError, match=r'clip2?\.safetensors holds no eyes \(visual\.patch_embed'):
			encode_edit(context, blind, 'a red cat', None, picture(64, 64))


class TestEditPlus:
	def test_pictures_are_named_by_their_inputs(
		self,
		context: Context,
		clip: ModelRef[TextEncoder],
		vae: ModelRef[AutoEncoder],
		encoder: Towers,
		eyes: Eyes,
		latents: Callable[[Tensor], Tensor],
	) -> None:
		"""The encoder sees them at 384² pixels; references have 1024², in sides that are multiples of 8."""
		first, third = picture(96, 192), picture(64, 64, seed=1)
		said = only(encode_edit_plus(context, clip, 'a cat', vae, first, None, third).prompts)
		chat = EDIT.format(f'Picture 1: {SEES}Picture 3: {SEES}a cat')
		wanted = only(encoder.look(chat, eyes.see([brought(first, 543, 272), brought(third, 384, 384)])).prompts)

		assert torch.equal(said.embedding, wanted.embedding)
		assert [tuple(one.shape[2:]) for one in said.references] == [(91, 181), (128, 128)]
		assert torch.equal(said.references[0], latents(brought(first, 1448, 728).pixels))

	def test_without_pictures_the_chat_is_that_of_editing(
		self, context: Context, clip: ModelRef[TextEncoder], encoder: Towers, eyes: Eyes
	) -> None:
		"""And nothing else is in it."""
		said = only(encode_edit_plus(context, clip, 'a cat {}').prompts)

		assert torch.equal(said.embedding, only(encoder.encode(EDIT.format('a cat {}')).prompts).embedding)


class TestGraph:
	def test_a_picture_is_edited(self, tmp_path: Path, models: Path) -> None:
		"""From a picture to a picture; the checker has nothing against it, and the picture counts."""
		bench = Bench(Settings(base=tmp_path, models=models))
		outcomes = []
		for color in (0, 0xFF0000):
			graph = make_graph(
				model=('UNETLoader', {'unet_name': 'qwen.safetensors', 'weight_dtype': 'default'}),
				clip=('CLIPLoader', {'clip_name': 'qwen.safetensors', 'type': 'qwen_image'}),
				vae=('VAELoader', {'vae_name': 'quick.safetensors'}),
				image=('EmptyImage', {'width': 64, 'height': 64, 'batch_size': 1, 'color': color}),
				positive=(
					'TextEncodeQwenImageEditPlus',
					{'clip': link('clip'), 'prompt': 'a cat', 'vae': link('vae'), 'image1': link('image')},
				),
				negative=('TextEncodeQwenImageEdit', {'clip': link('clip'), 'prompt': ''}),
				latent=('EmptySD3LatentImage', {'width': 64, 'height': 32, 'batch_size': 1}),
				sample=(
					'KSampler',
					{
						'model': link('model'),
						'seed': 1,
						'steps': 1,
						'cfg': 2.0,
						'sampler_name': 'euler',
						'scheduler': 'simple',
						'positive': link('positive'),
						'negative': link('negative'),
						'latent_image': link('latent'),
						'denoise': 1.0,
					},
				),
				decode=('VAEDecode', {'samples': link('sample'), 'vae': link('vae')}),
				save=('SaveImage', {'images': link('decode'), 'filename_prefix': 'tiny'}),
			)

			assert bench.run(graph).state == 'succeeded'

			outcomes.append(bench.pictures()[0].read_bytes())

		assert outcomes[0] != outcomes[1]
