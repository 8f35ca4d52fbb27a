"""A pack of one file."""


class SingleFileDouble:
	"""Doubles a number."""

	RETURN_TYPES = ('INT',)
	FUNCTION = 'double'
	CATEGORY = 'Testing'

	@classmethod
	def INPUT_TYPES(cls):
		return {'required': {'value': ('INT', {'default': 1, 'min': 0, 'max': 100})}}

	def double(self, value):
		return (value * 2,)


NODE_CLASS_MAPPINGS = {'SingleFileDouble': SingleFileDouble}
