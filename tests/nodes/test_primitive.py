"""Plain values: typed in, chosen, converted, shown."""

from __future__ import annotations

import pytest
import torch

from engine.context import Context
from engine.errors import BadInput
from nodes import primitive
from nodes.values import Images, Latent, Mask


class TestValues:
	def test_they_go_on_as_they_are(self) -> None:
		"""Whatever is typed in."""
		assert primitive.integer(-3) == -3
		assert primitive.decimal(0.5) == 0.5
		assert primitive.boolean(True) is True
		assert primitive.line('a') == 'a'
		assert primitive.text('a\nb') == 'a\nb'
		assert primitive.seed(2**63 - 1) == 2**63 - 1
		assert primitive.custom_choice('b', 1) == ('b', 1)


class TestConvert:
	@pytest.mark.parametrize(
		('value', 'expected'),
		[
			(3, (3.0, 3)),
			(-2.7, (-2.7, -2)),
			(True, (1.0, 1)),
			(' 12 ', (12.0, 12)),
			('1e2', (100.0, 100)),
			(str(2**62 + 1), (float(2**62), 2**62 + 1)),
		],
	)
	def test_numbers(self, value: int | float | str | bool, expected: tuple[float, int]) -> None:
		"""Fractions are cut off; large whole numbers keep each digit."""
		assert primitive.convert(value) == expected

	@pytest.mark.parametrize('value', ['', 'two', 'inf', 'nan', float('inf')])
	def test_no_numbers(self, value: str | float) -> None:
		"""They are refused."""
		with pytest.raises(BadInput, match='value'):
			primitive.convert(value)


class TestResolution:
	@pytest.mark.parametrize(
		('aspect', 'megapixels', 'multiple', 'expected'),
		[
			('1:1 (Square)', 1.0, 8, (1024, 1024)),
			('16:9 (Widescreen)', 1.0, 8, (1368, 768)),
			('16:9 (Widescreen)', 1.0, 64, (1344, 768)),
			('9:16 (Portrait Widescreen)', 4.0, 8, (1536, 2728)),
		],
	)
	def test_size(self, aspect: str, megapixels: float, multiple: int, expected: tuple[int, int]) -> None:
		"""The nearest multiples of the exact sides."""
		assert primitive.resolution(aspect, megapixels, multiple) == expected


class TestPreview:
	@pytest.mark.parametrize(
		('value', 'expected'),
		[
			('text', 'text'),
			(1, '1'),
			(0.5, '0.5'),
			(True, 'True'),
			(None, 'None'),
			({'ä': [1, 2]}, '{"ä": [1, 2]}'),
			(Images(torch.zeros(1, 2, 3, 4)), 'Images [1, 2, 3, 4]'),
			(Mask(torch.zeros(1, 2, 3)), 'Mask [1, 2, 3]'),
			(Latent(torch.zeros(1, 4, 2, 3)), 'Latent [1, 4, 2, 3]'),
			({1, 2}, '{1, 2}'),
		],
	)
	def test_shown(self, context: Context, value: object, expected: str) -> None:
		"""And given on as text."""
		assert primitive.preview(context, value) == expected
		assert context.ui is not None
		assert context.ui.root == {'text': [expected]}
