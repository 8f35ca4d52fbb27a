"""Lists in and out."""

from .types import ANY, inputs


class TestingIntRange:
	"""The numbers from start to stop, as a list of items."""

	INPUT_TYPES = inputs({'start': ('INT', {'default': 0}), 'stop': ('INT', {'default': 3})})
	RETURN_TYPES = ('INT',)
	OUTPUT_IS_LIST = (True,)
	FUNCTION = 'make'
	CATEGORY = 'Testing/Lists'

	def make(self, start, stop):
		return (list(range(start, stop)),)


class TestingMakeList:
	"""The inputs that are given, as a list of items."""

	INPUT_TYPES = inputs({'value1': (ANY,)}, {f'value{index}': (ANY,) for index in range(2, 6)})
	RETURN_TYPES = (ANY,)
	OUTPUT_IS_LIST = (True,)
	FUNCTION = 'make'
	CATEGORY = 'Testing/Lists'

	def make(self, **values):
		return ([values[name] for name in sorted(values)],)


class TestingSumList:
	"""Takes a whole list: its sum and its length; the factor arrives as a list too."""

	INPUT_TYPES = inputs({'values': ('INT', {'forceInput': True}), 'factor': ('INT', {'default': 1})})
	RETURN_TYPES = ('INT', 'INT')
	RETURN_NAMES = ('sum', 'length')
	INPUT_IS_LIST = True
	FUNCTION = 'add'
	CATEGORY = 'Testing/Lists'

	def add(self, values, factor):
		return (sum(values) * factor[0], len(values))


class TestingSplit:
	"""One output that is a list, and one that is not."""

	INPUT_TYPES = inputs({'text': ('STRING', {'default': 'a,b', 'multiline': True})})
	RETURN_TYPES = ('STRING', 'INT')
	RETURN_NAMES = ('parts', 'count')
	OUTPUT_IS_LIST = (True, False)
	FUNCTION = 'split'
	CATEGORY = 'Testing/Lists'

	def split(self, text):
		parts = text.split(',')
		return (parts, len(parts))


class TestingLazyList:
	"""Takes whole lists, and asks for the lazy one if the switch is on."""

	INPUT_TYPES = inputs({'on': ('BOOLEAN', {'default': False}), 'values': ('INT', {'lazy': True, 'forceInput': True})})
	RETURN_TYPES = ('INT',)
	INPUT_IS_LIST = True
	FUNCTION = 'add'
	CATEGORY = 'Testing/Lists'

	def check_lazy_status(self, on, values):
		return ['values'] if on[0] and values == (None,) else []

	def add(self, on, values):
		return (sum(values) if on[0] else 0,)


NODES = {cls.__name__: cls for cls in (TestingIntRange, TestingMakeList, TestingSumList, TestingSplit, TestingLazyList)}
