"""Nodes that say when they have changed, and nodes that keep state."""

from .types import inputs


class Counting:
	"""Counts the calls of its instance, and gives the number."""

	INPUT_TYPES = inputs({'value': ('INT', {'default': 0})})
	RETURN_TYPES = ('INT',)
	FUNCTION = 'count'
	CATEGORY = 'Testing/Changing'

	def __init__(self):
		self.calls = 0

	def count(self, value, **hidden):
		self.calls += 1
		return (self.calls,)


class TestingCounter(Counting):
	"""Nothing else."""


class TestingChangedFalse(Counting):
	"""Never changes by itself."""

	@classmethod
	def IS_CHANGED(cls, value):
		return False


class TestingChangedValue(Counting):
	"""Changes as its `value` does; an input that is linked counts as none."""

	@classmethod
	def IS_CHANGED(cls, value):
		return value


class TestingChangedNaN(Counting):
	"""Changes at any time."""

	@classmethod
	def IS_CHANGED(cls, value):
		return float('nan')


class TestingChangedError(Counting):
	"""Cannot tell."""

	@staticmethod
	def IS_CHANGED(value):
		raise RuntimeError('cannot tell')


class TestingChangedAsync(Counting):
	"""Tells asynchronously."""

	@classmethod
	async def IS_CHANGED(cls, value):
		return value


class TestingNotIdempotent(Counting):
	"""Two equal ones are not the same."""

	NOT_IDEMPOTENT = True


class TestingUniqueId(Counting):
	"""Gives its own id."""

	INPUT_TYPES = inputs({'value': ('INT', {'default': 0})}, hidden={'unique_id': 'UNIQUE_ID'})
	RETURN_TYPES = ('STRING',)

	def count(self, value, unique_id):
		return (unique_id,)


NODES = {cls.__name__: cls for cls in Counting.__subclasses__()}
