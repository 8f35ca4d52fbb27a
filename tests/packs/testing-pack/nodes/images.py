"""Pictures: made, mixed, saved."""

import torch

from .types import inputs


class TestingImage:
	"""A picture of one colour; it tells on the class how often it was made."""

	INPUT_TYPES = inputs(
		{
			'content': (['WHITE', 'BLACK', 'NOISE'],),
			'height': ('INT', {'default': 8, 'min': 1, 'max': 1024}),
			'width': ('INT', {'default': 8, 'min': 1, 'max': 4096}),
			'batch_size': ('INT', {'default': 1, 'min': 1, 'max': 1024}),
		}
	)
	RETURN_TYPES = ('IMAGE',)
	FUNCTION = 'make'
	CATEGORY = 'Testing/Images'

	def make(self, content, height, width, batch_size):
		shape = (batch_size, height, width, 3)
		if content == 'NOISE':
			return (torch.rand(shape),)
		return (torch.ones(shape) if content == 'WHITE' else torch.zeros(shape),)


class TestingMask:
	"""A mask of one value, without a batch."""

	INPUT_TYPES = inputs(
		{
			'value': ('FLOAT', {'default': 1.0, 'min': 0.0, 'max': 1.0, 'step': 0.01, 'round': 0.01}),
			'height': ('INT', {'default': 8}),
			'width': ('INT', {'default': 8}),
		}
	)
	RETURN_TYPES = ('MASK',)
	FUNCTION = 'make'
	CATEGORY = 'Testing/Images'

	def make(self, value, height, width):
		return (torch.full((height, width), value),)


class TestingLazyMix:
	"""Mixes two pictures by a mask; asks only for the picture that shows, if the mask is all one."""

	INPUT_TYPES = inputs({'image1': ('IMAGE', {'lazy': True}), 'image2': ('IMAGE', {'lazy': True}), 'mask': ('MASK',)})
	RETURN_TYPES = ('IMAGE',)
	FUNCTION = 'mix'
	CATEGORY = 'Testing/Images'

	def check_lazy_status(self, mask, image1, image2):
		low, high = mask.min(), mask.max()
		needed = []
		if image1 is None and (low != 1.0 or high != 1.0):
			needed.append('image1')
		if image2 is None and (low != 0.0 or high != 0.0):
			needed.append('image2')
		return needed

	def mix(self, mask, image1, image2):
		if mask.min() == mask.max():
			if mask.max() == 0.0:
				return (image1,)
			if mask.max() == 1.0:
				return (image2,)
		mask = mask.unsqueeze(-1)
		return (image1 * (1.0 - mask) + image2 * mask,)


class TestingPreview:
	"""An output node: shows the shape and the mean of pictures."""

	INPUT_TYPES = inputs({'images': ('IMAGE',)})
	RETURN_TYPES = ()
	FUNCTION = 'show'
	OUTPUT_NODE = True
	CATEGORY = 'Testing/Images'

	def show(self, images):
		return {'ui': {'shape': tuple(images.shape), 'mean': (float(images.mean()),)}}


NODES = {cls.__name__: cls for cls in (TestingImage, TestingMask, TestingLazyMix, TestingPreview)}
