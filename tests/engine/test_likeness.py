"""How alike two pictures are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import BadDocument
from engine.likeness import compare, compare_files, frames_of


def noise(seed: int, size: tuple[int, int] = (32, 24)) -> Image.Image:
	"""A picture of noise."""
	levels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
	return Image.fromarray(levels)


def shifted(picture: Image.Image, by: int) -> Image.Image:
	"""The picture with all levels moved, cut at the bounds."""
	return Image.fromarray(np.clip(np.asarray(picture).astype(int) + by, 0, 255).astype(np.uint8))


class TestCompare:
	"""Figures of two pictures."""

	def test_equal(self) -> None:
		"""The same pixels are exact, and as similar as can be."""
		found = compare([noise(1)], [noise(1)])

		assert found is not None
		assert (found.exact, found.largest, found.psnr, found.ssim) == (True, 0.0, None, 1.0)

	def test_one_level_apart(self) -> None:
		"""By the definition of PSNR: 20 log 255 for a difference of one level everywhere."""
		grey = Image.new('RGB', (16, 16), (100, 100, 100))
		found = compare([grey], [shifted(grey, 1)])

		assert found is not None
		assert (found.exact, found.largest, found.mean) == (False, 1.0, 1.0)
		assert found.psnr == pytest.approx(48.13, abs=0.01)
		assert found.ssim > 0.99

	def test_other_pictures(self) -> None:
		"""Noise is not like other noise, and a little noise leaves a picture similar."""
		other = compare([noise(1)], [noise(2)])
		near = compare([noise(1)], [shifted(noise(1), 3)])

		assert other is not None
		assert near is not None
		assert other.ssim < 0.2
		assert near.ssim > 0.99

	def test_other_colours(self) -> None:
		"""As light and of another colour is another picture."""
		found = compare([Image.new('RGB', (16, 16), (255, 0, 0))], [Image.new('RGB', (16, 16), (0, 130, 0))])

		assert found is not None
		assert found.ssim < 0.9

	def test_sizes_and_numbers_that_do_not_fit(self) -> None:
		"""Then there is nothing to compare."""
		assert compare([noise(1)], [noise(1, (24, 32))]) is None
		assert compare([noise(1)], [noise(1), noise(2)]) is None
		assert compare([], []) is None

	def test_modes(self) -> None:
		"""Grey, coloured and transparent pictures are compared as what they show."""
		grey = Image.new('L', (9, 9), 80)
		found = compare([grey], [Image.new('RGB', (9, 9), (80, 80, 80))])
		clear = compare([Image.new('RGBA', (9, 9), (80, 80, 80, 0))], [grey])

		assert found is not None
		assert found.largest == 0.0
		assert clear is not None
		assert clear.largest == 255.0

	def test_the_worst_frame_counts(self, tmp_path: Path) -> None:
		"""Of animations."""
		for name, last in (('a', noise(2)), ('b', noise(3))):
			noise(1).save(tmp_path / f'{name}.png', save_all=True, append_images=[last])
		found = compare_files(tmp_path / 'a.png', tmp_path / 'b.png')

		assert len(frames_of(tmp_path / 'a.png')) == 2
		assert found is not None
		assert found.ssim < 0.2

	def test_turned_by_its_file(self, tmp_path: Path) -> None:
		"""A picture is compared as it is shown: one that its file says to turn has the other size."""
		turned = Image.Exif()
		turned[0x0112] = 6
		noise(1).save(tmp_path / 'plain.png')
		noise(1).save(tmp_path / 'turned.png', exif=turned)

		assert frames_of(tmp_path / 'turned.png')[0].size == (24, 32)
		assert compare_files(tmp_path / 'plain.png', tmp_path / 'turned.png') is None

	def test_no_picture(self, tmp_path: Path) -> None:
		"""A file that is none is named."""
		(tmp_path / 'x.png').write_bytes(b'no')

		with pytest.raises(BadDocument, match=r'x\.png'):
			frames_of(tmp_path / 'x.png')
		with pytest.raises(BadDocument, match=r'read: No such file or directory\.$'):
			frames_of(tmp_path / 'gone.png')
