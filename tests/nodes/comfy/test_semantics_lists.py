"""Lists between ComfyUI-style nodes: who is called how often, and with what."""

from __future__ import annotations

import pytest

from tests.nodes.comfy.desk import Desk, Prompt

SIZE = {'height': 8, 'width': 8, 'batch_size': 1}


class TestCalls:
	def test_one_call_where_all_lists_are_empty(self, desk: Desk) -> None:
		"""As ComfyUI does it: without these inputs."""
		desk.good(
			{'none': ('TestingIntRange', {'start': 0, 'stop': 0}), 'u': ('TestingUndeclared', {'x': ['none', 0]})}
		)

		assert desk.ran == ['none', 'u']
		assert desk.text('u') == []

	def test_an_empty_list_beside_a_full_one(self, desk: Desk) -> None:
		"""Has no last item to repeat: the node fails, and says which input it was."""
		outcome = desk.run(
			{
				'none': ('TestingIntRange', {'start': 0, 'stop': 0}),
				'add': ('TestingAdd', {'a': ['none', 0], 'b': 1}),
				'show': ('TestingShow', {'value': ['add', 0]}),
			}
		)

		assert outcome.failure is not None
		assert outcome.failure.node == 'add'
		assert "'a'" in outcome.failure.message

	def test_a_list_as_a_value_is_one_item(self, desk: Desk) -> None:
		"""Only outputs that are declared as lists are gone through."""
		desk.good({'u': ('TestingUndeclared', {'first': 1, 'more': {'__value__': [1, 2]}})})

		assert desk.text('u') == ['first=1', 'more=[1, 2]']

	def test_lists_of_several_calls_are_joined(self, desk: Desk) -> None:
		"""An output that is a list grows by the whole list of each call, another one by its value."""
		desk.good(
			{
				'texts': ('TestingMakeList', {'value1': 'a,b', 'value2': 'c'}),
				'split': ('TestingSplit', {'text': ['texts', 0]}),
				'parts': ('TestingShow', {'value': ['split', 0]}),
				'counts': ('TestingShow', {'value': ['split', 1]}),
			}
		)

		assert desk.text('parts') == ['a', 'b', 'c']
		assert desk.text('counts') == ['2', '1']

	def test_a_list_taken_whole_and_given_again(self, desk: Desk) -> None:
		"""What was gone through item by item is one list for who takes lists, and one item comes of it."""
		desk.good(
			{
				'range': ('TestingIntRange', {'start': 1, 'stop': 5}),
				'add': ('TestingAdd', {'a': ['range', 0], 'b': 10}),
				'sum': ('TestingSumList', {'values': ['add', 0], 'factor': 1}),
				'show': ('TestingShow', {'value': ['sum', 0]}),
			}
		)

		assert desk.text('show') == ['50']

	def test_who_takes_lists_gets_one_of_one(self, desk: Desk) -> None:
		"""Where a single value is linked."""
		desk.good(
			{
				'one': ('TestingInt', {'value': 4}),
				'sum': ('TestingSumList', {'values': ['one', 0], 'factor': 2}),
				'show': ('TestingShow', {'value': ['sum', 0]}),
				'length': ('TestingShow', {'value': ['sum', 1]}),
			}
		)

		assert (desk.text('show'), desk.text('length')) == (['8'], ['1'])


class TestPictures:
	@pytest.fixture
	def mixing(self) -> Prompt:
		"""A mixer over a list of three masks, each of which wants other pictures."""
		return {
			'white': ('TestingImage', {'content': 'WHITE', **SIZE}),
			'black': ('TestingImage', {'content': 'BLACK', **SIZE}),
			**{
				f'mask{n}': ('TestingMask', {'value': value, 'height': 8, 'width': 8})
				for n, value in enumerate((0.0, 1.0, 0.25))
			},
			'masks': ('TestingMakeList', {f'value{n + 1}': [f'mask{n}', 0] for n in range(3)}),
			'mix': ('TestingLazyMix', {'image1': ['white', 0], 'image2': ['black', 0], 'mask': ['masks', 0]}),
			'show': ('TestingPreview', {'images': ['mix', 0]}),
		}

	def test_lazy_per_item(self, desk: Desk, mixing: Prompt) -> None:
		"""What any of the calls asks for is made, once; each call then has its own result."""
		desk.good(mixing)
		ui = desk.shown('show')

		assert ui is not None
		assert ui.root['mean'] == [1.0, 0.0, 0.75]
		assert (desk.ran.count('white'), desk.ran.count('black')) == (1, 1)

	def test_pictures_of_unlike_size_in_a_native_sink(self, desk: Desk) -> None:
		"""It is called once per item, and shows all of them."""
		desk.good(
			{
				'small': ('TestingImage', {'content': 'WHITE', **SIZE}),
				'large': ('TestingImage', {'content': 'BLACK', **SIZE, 'width': 16, 'batch_size': 2}),
				'both': ('TestingMakeList', {'value1': ['small', 0], 'value2': ['large', 0]}),
				'show': ('PreviewImage', {'images': ['both', 0]}),
			}
		)

		assert [image.size for image in desk.pictures('show')] == [(8, 8), (16, 8), (16, 8)]
