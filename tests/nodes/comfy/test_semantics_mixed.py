"""Native and ComfyUI-style nodes in one graph."""

from __future__ import annotations

import pytest
from PIL import Image

from tests.nodes.comfy.desk import Desk, Prompt

SIZE = {'height': 4, 'width': 8, 'batch_size': 1}


@pytest.fixture
def loaded(desk: Desk) -> Prompt:
	"""A native node that loads a picture: its left half is there, its right half is transparent."""
	picture = Image.new('RGBA', (8, 4), (255, 0, 0, 255))
	picture.paste((0, 0, 255, 0), (4, 0, 8, 4))
	(desk.base / 'input').mkdir(exist_ok=True)
	picture.save(desk.base / 'input' / 'half.png')
	return {'load': ('LoadImage', {'image': 'half.png'})}


class TestPictures:
	def test_native_to_foreign_to_native(self, desk: Desk, loaded: Prompt) -> None:
		"""A picture keeps its pixels on the way."""
		desk.good(
			{
				**loaded,
				'any': ('TestingAny', {'value': ['load', 0]}),
				'show': ('PreviewImage', {'images': ['any', 0]}),
				'shape': ('TestingPreview', {'images': ['any', 0]}),
			}
		)
		[image] = desk.pictures('show')
		ui = desk.shown('shape')

		assert image.getpixel((0, 0)) == (255, 0, 0)
		assert ui is not None
		assert ui.root['shape'] == [1, 4, 8, 3]

	def test_a_native_mask_in_a_foreign_mixer(self, desk: Desk, loaded: Prompt) -> None:
		"""Where the picture was transparent, the second one shows."""
		desk.good(
			{
				**loaded,
				'black': ('TestingImage', {'content': 'BLACK', **SIZE}),
				'white': ('TestingImage', {'content': 'WHITE', **SIZE}),
				'mix': ('TestingLazyMix', {'image1': ['black', 0], 'image2': ['white', 0], 'mask': ['load', 1]}),
				'show': ('PreviewImage', {'images': ['mix', 0]}),
			}
		)
		[image] = desk.pictures('show')

		assert [image.getpixel((x, 0)) for x in (0, 7)] == [(0, 0, 0), (255, 255, 255)]

	def test_one_picture_for_two_sinks(self, desk: Desk) -> None:
		"""Each of them shows it; the second takes what the first has made, or makes its own."""
		desk.good(
			{
				'image': ('TestingImage', {'content': 'WHITE', **SIZE}),
				**{f'show{n}': ('PreviewImage', {'images': ['image', 0]}) for n in (1, 2)},
				'save1': ('SaveImage', {'images': ['image', 0], 'filename_prefix': 'one'}),
				'save2': ('SaveImage', {'images': ['image', 0], 'filename_prefix': 'two'}),
				'saved': ('TestingPreview', {'images': ['image', 0]}),
			}
		)

		assert [len(desk.pictures(node)) for node in ('show1', 'show2', 'save1', 'save2')] == [1, 1, 1, 1]
		assert desk.shown('saved') is not None
		assert len(list((desk.base / 'output').glob('*.png'))) == 2

	def test_a_native_switch_between_foreign_nodes(self, desk: Desk) -> None:
		"""Lazy inputs of native nodes leave foreign ones alone too."""
		desk.good(
			{
				'less': ('TestingLess', {'a': 1, 'b': 2}),
				'yes': ('TestingInt', {'value': 1}),
				'no': ('TestingError', {'value': ['less', 0]}),
				'switch': ('ComfySwitchNode', {'switch': ['less', 0], 'on_true': ['yes', 0], 'on_false': ['no', 0]}),
				'show': ('TestingShow', {'value': ['switch', 0]}),
			}
		)

		assert desk.text('show') == ['1']


class TestLatents:
	def test_a_latent_as_foreign_nodes_know_it(self, desk: Desk) -> None:
		"""A dict with samples, which native nodes take back."""
		desk.good(
			{
				'latent': ('EmptyLatentImage', {'width': 64, 'height': 32, 'batch_size': 2}),
				'any': ('TestingAny', {'value': ['latent', 0]}),
				'reroute': ('Reroute', {'value': ['any', 0]}),
				'keys': ('TestingShow', {'value': ['reroute', 0]}),
			}
		)
		[told] = desk.text('keys') or ['']

		assert str(told).startswith("{'samples': tensor(")


class TestCaching:
	def test_again(self, desk: Desk, loaded: Prompt) -> None:
		"""Nothing runs, of either kind; the sink tells the same files."""
		nodes: Prompt = {
			**loaded,
			'any': ('TestingAny', {'value': ['load', 0]}),
			'show': ('PreviewImage', {'images': ['any', 0]}),
		}
		desk.good(nodes)
		first = desk.shown('show')
		desk.good(nodes)

		assert desk.ran == []
		assert desk.shown('show') == first

	def test_a_file_that_changed(self, desk: Desk, loaded: Prompt) -> None:
		"""Runs the native node again, and the foreign ones behind it."""
		nodes: Prompt = {
			**loaded,
			'any': ('TestingAny', {'value': ['load', 0]}),
			'show': ('PreviewImage', {'images': ['any', 0]}),
		}
		desk.good(nodes)
		Image.new('RGB', (8, 4), (0, 255, 0)).save(desk.base / 'input' / 'half.png')
		desk.good(nodes)

		assert desk.ran == ['load', 'any', 'show']
		assert desk.pictures('show')[0].getpixel((0, 0)) == (0, 255, 0)
