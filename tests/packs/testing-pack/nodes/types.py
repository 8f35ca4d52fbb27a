"""What several modules declare with."""


class AnyType(str):
	"""A type that is never unequal to another."""

	__slots__ = ()

	def __ne__(self, other):
		return False


class AnyInputs(dict):
	"""Inputs of any name."""

	def __contains__(self, key):
		return True

	def __getitem__(self, key):
		return super().get(key, (ANY,))


ANY = AnyType('*')


def inputs(required=None, optional=None, hidden=None):
	"""A classmethod that gives these inputs."""

	def INPUT_TYPES(cls):
		return {'required': required or {}, 'optional': optional or {}, 'hidden': hidden or {}}

	return classmethod(INPUT_TYPES)
