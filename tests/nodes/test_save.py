"""SaveImage and its kin: PNG, other formats, animations, previews."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence, features

from engine.context import Context
from engine.errors import BadName
from engine.settings import Settings
from nodes.image import load_image
from nodes.latent_file import save as save_latent
from nodes.save import (
	Avif,
	Exr,
	Format,
	Jpeg,
	Png,
	Webp,
	compare,
	preview_image,
	preview_mask,
	save_animated_png,
	save_animated_webp,
	save_as,
	save_image,
)
from nodes.values import Images, Latent, Mask
from tests.nodes.exr import read_exr


def saved(context: Context) -> list[Path]:
	"""The files that the node shows."""
	assert context.ui is not None
	return [context.files.saved(file) for file in context.ui.files]


def exif_texts(picture: Image.Image) -> dict[str, object]:
	"""What front ends read from a picture that is no PNG."""
	texts = [str(text) for text in picture.getexif().values()]
	return {text.partition(':')[0]: json.loads(text.partition(':')[2]) for text in texts}


class TestSaveImage:
	"""Pixels become numbered PNG files."""

	def test_round_trip_is_exact(self, context: Context, settings: Settings) -> None:
		"""What is loaded and saved has the same levels."""
		levels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
		Image.fromarray(levels).save(settings.input_folder / 'a.png')
		save_image(context, load_image(context, 'a.png').IMAGE, 'copy')
		with Image.open(settings.output_folder / 'copy_00001_.png') as saved:
			copied = np.asarray(saved)

		assert (copied == levels).all()

	def test_levels_outside_are_cut(self, context: Context, settings: Settings) -> None:
		"""Pixels below 0 and above 1 become black and white, not wrapped around; between levels the lower one counts."""
		save_image(context, Images(torch.tensor([[[[-1.0, 2.0, 0.5]]]])), 'cut')
		with Image.open(settings.output_folder / 'cut_00001_.png') as saved:
			pixel = saved.getpixel((0, 0))

		assert pixel == (0, 255, 127)

	def test_batch_is_numbered_and_shown(self, context: Context) -> None:
		"""Each picture of a batch gets the next number, and the node shows all."""
		save_image(context, Images(torch.zeros(3, 2, 2, 3)), 'sub/batch')

		assert context.ui is not None
		assert [image.filename for image in context.ui.images] == [f'batch_0000{n}_.png' for n in (1, 2, 3)]
		assert {image.subfolder for image in context.ui.images} == {'sub'}

	def test_prefix_cannot_leave_the_folder(self, context: Context, settings: Settings) -> None:
		"""`../x` is refused and nothing is written."""
		with pytest.raises(BadName):
			save_image(context, Images(torch.zeros(1, 2, 2, 3)), '../outside')

		assert not list(settings.base.rglob('*outside*'))

	def test_grey(self, context: Context) -> None:
		"""One channel is a grey picture."""
		save_image(context, Images(torch.full((1, 2, 2, 1), 0.2)), 'grey')
		with Image.open(saved(context)[0]) as picture:
			mode, level = picture.mode, picture.getpixel((0, 0))

		assert (mode, level) == ('L', 51)


class TestPreviews:
	"""Pictures that are only shown lie in the temp folder."""

	def test_pictures(self, context: Context) -> None:
		"""They go on as they came."""
		images = Images(torch.rand(2, 3, 4, 3))

		assert preview_image(context, images) is images
		assert context.ui is not None
		assert {file.type for file in context.ui.images} == {'temp'}
		assert len(saved(context)) == 2

	def test_masks(self, context: Context) -> None:
		"""As grey pictures."""
		mask = Mask(torch.full((1, 3, 4), 0.2))

		assert preview_mask(context, mask) is mask
		with Image.open(saved(context)[0]) as picture:
			assert picture.size == (4, 3)
			assert picture.getpixel((0, 0)) == (51, 51, 51)

	def test_comparison(self, context: Context) -> None:
		"""Two lists, for a slider; one may be empty."""
		compare(context, image_b=Images(torch.zeros(2, 4, 4, 3)))

		assert context.ui is not None
		assert context.ui.root['a_images'] == []
		assert len(context.ui.root['b_images']) == 2
		assert all(path.is_file() for path in saved(context))


class TestAnimations:
	"""A batch as one file that moves."""

	FRAMES = Images(torch.linspace(0, 1, 3).reshape(3, 1, 1, 1).expand(3, 4, 6, 3).contiguous())

	def test_webp(self, context: Context) -> None:
		"""Frames without loss, their duration, and the workflow."""
		save_animated_webp(context, self.FRAMES, 'moving', 8.0, True, 80, 'fastest')
		assert context.ui is not None
		assert context.ui.root['animated'] == [True]
		(path,) = saved(context)
		with Image.open(path) as picture:
			durations, levels = [], []
			for frame in ImageSequence.Iterator(picture):
				levels.append(frame.convert('RGB').getpixel((0, 0)))
				durations.append(frame.info['duration'])
			texts = exif_texts(picture)

		assert path.name == 'moving_00001_.webp'
		assert durations == [125, 125, 125]
		assert levels == [(0,) * 3, (127,) * 3, (255,) * 3]
		assert texts == {'prompt': context.job.prompt, 'workflow': {'nodes': []}}

	def test_png(self, context: Context) -> None:
		"""The same as an animated PNG."""
		save_animated_png(context, self.FRAMES, 'moving', 4.0, 1)
		(path,) = saved(context)
		with Image.open(path) as picture:
			frames, duration = len(list(ImageSequence.Iterator(picture))), picture.info['duration']
			prompt = json.loads(picture.info['prompt'])

		assert (path.suffix, frames, duration) == ('.png', 3, 250)
		assert prompt == context.job.prompt

	def test_one_frame(self, context: Context) -> None:
		"""A batch of one is a still."""
		save_animated_webp(context, Images(torch.zeros(1, 4, 4, 3)), 'still', 6.0, False, 80, 'default')

		with Image.open(saved(context)[0]) as picture:
			assert len(list(ImageSequence.Iterator(picture))) == 1


class TestFormats:
	"""SaveImageAdvanced writes what is chosen."""

	PIXELS = torch.rand(2, 5, 7, 3)

	@pytest.mark.parametrize(
		('format', 'suffix', 'far'),
		[
			(Png('8-bit', 'sRGB'), '.png', 0.004),
			(Jpeg(95), '.jpg', 0.2),
			(Webp(100, True), '.webp', 0.004),
			(Webp(95, False), '.webp', 0.3),
			pytest.param(
				Avif(95),
				'.avif',
				0.2,
				marks=pytest.mark.skipif(not features.check('avif'), reason='This Pillow writes no AVIF.'),
			),
		],
	)
	def test_round_trip(self, context: Context, format: Format, suffix: str, far: float) -> None:
		"""What Pillow reads again is near; each picture of a batch is a file, with the workflow in it."""
		smooth = torch.linspace(0, 1, 16).reshape(1, 1, 16, 1).expand(2, 16, 16, 3)
		save_as(context, Images(smooth), 'x', format)
		paths = saved(context)

		assert [path.name for path in paths] == [f'x_0000{number}_{suffix}' for number in (1, 2)]
		with Image.open(paths[0]) as picture:
			read = torch.from_numpy(np.asarray(picture.convert('RGB'), dtype=np.float32) / 255)
			told = json.loads(picture.info['prompt']) if suffix == '.png' else exif_texts(picture)['prompt']
		assert (read - smooth[0]).abs().max() < far
		assert told == context.job.prompt

	@pytest.mark.parametrize(
		('format', 'kept'),
		[
			(Jpeg(90), ['prompt']),
			(Webp(90, False), ['prompt', 'workflow']),
			pytest.param(
				Avif(90),
				['prompt', 'workflow'],
				marks=pytest.mark.skipif(not features.check('avif'), reason='This Pillow writes no AVIF.'),
			),
		],
	)
	def test_large_workflows_lose_no_picture(
		self, context: Context, caplog: pytest.LogCaptureFixture, format: Format, kept: list[str]
	) -> None:
		"""A JPEG has no room for them, and that is told; others have."""
		context.job = replace(context.job, extra_pnginfo={'workflow': {'nodes': ['x' * 200_000]}})
		with caplog.at_level(logging.WARNING):
			save_as(context, Images(torch.zeros(1, 8, 8, 3)), 'x', format)
		with Image.open(saved(context)[0]) as picture:
			told = exif_texts(picture)

		assert sorted(told) == kept
		assert ('no room for workflow' in caplog.text) == (kept == ['prompt'])

	def test_alpha(self, context: Context) -> None:
		"""It is kept where there is room for it, and left out of a JPEG."""
		pixels = Images(torch.full((1, 4, 4, 4), 0.5))
		for format in (Webp(90, True), Jpeg(90)):
			save_as(context, pixels, 'x', format)
		with Image.open(saved(context)[0]) as webp, Image.open(saved(context)[1]) as jpeg:
			modes = webp.mode, jpeg.mode

		assert modes == ('RGBA', 'RGB')

	def test_sixteen_bits(self, context: Context) -> None:
		"""65,536 levels."""
		save_as(context, Images(torch.full((1, 4, 4, 1), 1000 / 65535)), 'x', Png('16-bit', 'sRGB'))
		with Image.open(saved(context)[0]) as picture:
			mode, level = picture.mode, picture.getpixel((3, 3))

		assert (mode, level) == ('I;16', 1000)

	def test_exr_is_linear_light(self, context: Context) -> None:
		"""The colours that come are told by name; alpha is left as it is."""
		for space in ('sRGB', 'linear'):
			save_as(context, Images(torch.full((1, 2, 2, 4), 0.5)), 'x', Exr('32-bit float', space))
		levels = [
			{name: float(plane[0, 0]) for name, plane in read_exr(path.read_bytes())[1].items()}
			for path in saved(context)
		]

		assert levels[0] == pytest.approx({'A': 0.5, 'B': 0.214041, 'G': 0.214041, 'R': 0.214041}, abs=1e-5)
		assert levels[1] == dict.fromkeys('ABGR', 0.5)

	def test_no_metadata_if_people_want_none(self, settings: Settings, context: Context) -> None:
		"""The setting holds for every format."""
		context.files.metadata = False
		for format in (Png('16-bit', 'sRGB'), Webp(90, True), Exr('32-bit float', 'sRGB')):
			save_as(context, Images(torch.zeros(1, 4, 4, 3)), 'x', format)
		save_image(context, Images(torch.zeros(1, 4, 4, 3)), 'x')
		save_animated_webp(context, Images(torch.zeros(2, 4, 4, 3)), 'x', 8.0, True, 80, 'fastest')
		save_animated_png(context, Images(torch.zeros(2, 4, 4, 3)), 'x', 8.0, 1)
		save_latent(context, Latent(torch.zeros(1, 4, 2, 2)), 'x')
		files = [path for path in settings.output_folder.rglob('*') if path.is_file()]

		assert len(files) == 7
		assert all(b'class_type' not in path.read_bytes() and b'workflow' not in path.read_bytes() for path in files)
		assert all(b'class_type' not in path.read_bytes() for path in saved(context))

	def test_prefix_cannot_leave_the_folder(self, context: Context, settings: Settings) -> None:
		"""As for every file."""
		with pytest.raises(BadName):
			save_as(context, Images(torch.zeros(1, 2, 2, 3)), '../outside', Jpeg(90))

		assert not list(settings.base.rglob('*outside*'))
