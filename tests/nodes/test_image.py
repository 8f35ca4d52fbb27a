"""LoadImage, LoadImageMask."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.context import Context
from engine.errors import BadName, FileMissing, UnknownFormat
from engine.settings import Settings
from engine.storage import Storage
from nodes.image import file_digest, load_image, load_mask


@pytest.fixture
def inputs(settings: Settings, context: Context) -> Path:
	"""The input folder."""
	return settings.input_folder


class TestLoadImage:
	"""Pictures from the input folder become float pixels and a mask."""

	def test_pixels_are_levels_by_255(self, context: Context, inputs: Path) -> None:
		"""[1, height, width, 3], 0 to 1."""
		Image.new('RGB', (3, 2), (255, 0, 51)).save(inputs / 'a.png')
		loaded = load_image(context, 'a.png')

		assert loaded.IMAGE.pixels.shape == (1, 2, 3, 3)
		assert torch.allclose(loaded.IMAGE.pixels[0, 0, 0], torch.tensor([1.0, 0.0, 0.2]))

	def test_alpha_becomes_the_inverted_mask(self, context: Context, inputs: Path) -> None:
		"""Transparent is masked: alpha 0 gives 1."""
		picture = Image.new('RGBA', (2, 1), (1, 2, 3, 255))
		picture.putpixel((1, 0), (1, 2, 3, 0))
		picture.save(inputs / 'a.png')

		assert load_image(context, 'a.png').MASK.values.tolist() == [[[0.0, 1.0]]]

	def test_no_alpha_gives_an_empty_mask(self, context: Context, inputs: Path) -> None:
		"""A picture without alpha gets 64 × 64 zeros."""
		Image.new('RGB', (5, 5)).save(inputs / 'a.png')
		mask = load_image(context, 'a.png').MASK.values

		assert mask.shape == (1, 64, 64)
		assert mask.sum() == 0

	def test_orientation_is_applied(self, context: Context, inputs: Path) -> None:
		"""A photograph that says it lies on its side is turned upright."""
		exif = Image.Exif()
		exif[0x0112] = 6
		Image.new('RGB', (4, 2)).save(inputs / 'a.jpg', exif=exif)

		assert load_image(context, 'a.jpg').IMAGE.pixels.shape == (1, 4, 2, 3)

	def test_sixteen_bit_greys_are_scaled(self, context: Context, inputs: Path) -> None:
		"""16-bit levels keep their brightness."""
		Image.fromarray(np.full((2, 2), 32768, dtype=np.uint16)).save(inputs / 'a.png')
		pixels = load_image(context, 'a.png').IMAGE.pixels

		assert pixels.min() == pixels.max()
		assert abs(float(pixels[0, 0, 0, 0]) - 0.5) < 0.01

	def test_animation_becomes_a_batch(self, context: Context, inputs: Path) -> None:
		"""Each frame is one picture of the batch."""
		frames = [Image.new('RGB', (4, 4), (level, 0, 0)) for level in (10, 90, 200)]
		frames[0].save(inputs / 'a.webp', save_all=True, append_images=frames[1:], lossless=True)
		pixels = load_image(context, 'a.webp').IMAGE.pixels

		assert pixels.shape[0] == 3
		assert [round(float(frame[0, 0, 0]) * 255) for frame in pixels] == [10, 90, 200]

	def test_only_the_first_picture_of_a_camera_is_taken(self, context: Context, inputs: Path) -> None:
		"""What a camera puts behind it in an MPO is no frame."""
		first, second = (Image.new('RGB', (8, 8), (level, 0, 0)) for level in (200, 10))
		first.save(inputs / 'a.jpg', 'MPO', save_all=True, append_images=[second])
		loaded = load_image(context, 'a.jpg')

		assert loaded.IMAGE.pixels.shape == (1, 8, 8, 3)
		assert len(loaded.MASK.values) == 1
		assert float(loaded.IMAGE.pixels[0, 0, 0, 0]) > 0.5

	def test_name_may_say_its_folder(self, context: Context, settings: Settings) -> None:
		"""`a.png [output]` is looked for among the outputs, also in subfolders."""
		(settings.output_folder / 'sub').mkdir(parents=True)
		Image.new('RGB', (1, 1)).save(settings.output_folder / 'sub' / 'a.png')

		assert load_image(context, 'sub/a.png [output]').IMAGE.pixels.shape == (1, 1, 1, 3)

	@pytest.mark.parametrize(
		('name', 'error'), [('gone.png', FileMissing), ('../secret.png', BadName), ('/etc/passwd', BadName)]
	)
	def test_what_is_not_there_is_refused(
		self, context: Context, inputs: Path, name: str, error: type[Exception]
	) -> None:
		"""Missing files and names that leave the folder raise."""
		with pytest.raises(error):
			load_image(context, name)

	@pytest.mark.parametrize('content', [b'', b'no picture', b'\x89PNG\r\n\x1a\n' + struct.pack('>I', 5)])
	def test_damaged_file_is_named(self, context: Context, inputs: Path, content: bytes) -> None:
		"""A file that is no picture, or half of one, gives an error with its name."""
		(inputs / 'bad.png').write_bytes(content)

		with pytest.raises(UnknownFormat, match=r'bad\.png cannot be read as a picture'):
			load_image(context, 'bad.png')

	def test_truncated_picture_is_refused(self, context: Context, inputs: Path) -> None:
		"""Half a PNG is an error, not a half-grey picture."""
		noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
		Image.fromarray(noise).save(inputs / 'whole.png')
		content = (inputs / 'whole.png').read_bytes()
		(inputs / 'half.png').write_bytes(content[: len(content) // 2])

		with pytest.raises(UnknownFormat, match=r'half\.png'):
			load_image(context, 'half.png')

	def test_fingerprint_follows_the_content(self, context: Context, inputs: Path, settings: Settings) -> None:
		"""Another picture under the same name is another fingerprint; the same bytes are the same."""
		storage = Storage.of(settings)
		Image.new('RGB', (1, 1), (1, 1, 1)).save(inputs / 'a.png')
		first = file_digest(storage, {'image': 'a.png'})
		Image.new('RGB', (1, 1), (2, 2, 2)).save(inputs / 'a.png')
		second = file_digest(storage, {'image': 'a.png'})
		Image.new('RGB', (1, 1), (1, 1, 1)).save(inputs / 'a.png')
		third = file_digest(storage, {'image': 'a.png'})

		assert first != second
		assert first == third


class TestLoadMask:
	"""One channel of a picture as a mask."""

	def test_colours(self, context: Context, inputs: Path) -> None:
		"""Levels by 255."""
		Image.new('RGB', (3, 2), (255, 0, 51)).save(inputs / 'a.png')
		found = [load_mask(context, 'a.png', channel).values for channel in ('red', 'green', 'blue')]

		assert [mask.shape for mask in found] == [(1, 2, 3)] * 3
		assert [float(mask[0, 0, 0]) for mask in found] == pytest.approx([1, 0, 0.2])

	def test_alpha_is_inverted(self, context: Context, inputs: Path) -> None:
		"""What is transparent is masked; a picture without alpha is not, at its full size."""
		Image.new('RGBA', (3, 2), (1, 2, 3, 51)).save(inputs / 'a.png')
		Image.new('L', (3, 2), 7).save(inputs / 'b.png')

		assert load_mask(context, 'a.png', 'alpha').values[0, 0, 0].item() == pytest.approx(0.8)
		assert load_mask(context, 'b.png', 'alpha').values.shape == (1, 2, 3)
		assert load_mask(context, 'b.png', 'alpha').values.sum() == 0

	def test_sixteen_bit_greys_are_scaled(self, context: Context, inputs: Path) -> None:
		"""16-bit levels keep their brightness."""
		Image.fromarray(np.full((2, 2), 32768, dtype=np.uint16)).save(inputs / 'a.png')

		assert float(load_mask(context, 'a.png', 'red').values.max()) == pytest.approx(0.5, abs=0.01)

	def test_damaged_file_is_named(self, context: Context, inputs: Path) -> None:
		"""As for pictures."""
		(inputs / 'bad.png').write_bytes(b'no picture')

		with pytest.raises(UnknownFormat, match=r'bad\.png'):
			load_mask(context, 'bad.png', 'red')
