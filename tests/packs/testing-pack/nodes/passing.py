"""Numbers, wildcards, blockers, undeclared inputs, and what nodes show."""

from comfy_execution.graph import ExecutionBlocker

from .types import ANY, AnyInputs, inputs


class TestingInt:
	"""Gives a number."""

	INPUT_TYPES = inputs({'value': ('INT', {'default': 0, 'min': -1000, 'max': 1000})})
	RETURN_TYPES = ('INT',)
	FUNCTION = 'give'
	CATEGORY = 'Testing'

	def give(self, value):
		return (value,)


class TestingAdd:
	"""Adds two numbers."""

	INPUT_TYPES = inputs({'a': ('INT', {'default': 0}), 'b': ('INT', {'default': 0})})
	RETURN_TYPES = ('INT',)
	FUNCTION = 'add'
	CATEGORY = 'Testing'

	def add(self, a, b):
		return (a + b,)


class TestingLess:
	"""Whether a is less than b."""

	INPUT_TYPES = inputs({'a': ('INT', {'default': 0}), 'b': ('INT', {'default': 0})})
	RETURN_TYPES = ('BOOLEAN',)
	FUNCTION = 'compare'
	CATEGORY = 'Testing'

	def compare(self, a, b):
		return (a < b,)


class TestingAny:
	"""Hands on whatever comes, of a type that is equal to all."""

	INPUT_TYPES = inputs({'value': (ANY,)})
	RETURN_TYPES = (ANY,)
	RETURN_NAMES = ('value',)
	FUNCTION = 'hand'
	CATEGORY = 'Testing'

	def hand(self, value):
		return (value,)


class TestingUndeclared:
	"""An output node that shows the names and values of all it gets; inputs of any name reach it."""

	RETURN_TYPES = ('STRING',)
	FUNCTION = 'show'
	OUTPUT_NODE = True
	CATEGORY = 'Testing'

	@classmethod
	def INPUT_TYPES(cls):
		return {'required': {}, 'optional': AnyInputs({'first': ('INT', {'default': 1})})}

	def show(self, **values):
		told = [f'{name}={values[name]}' for name in sorted(values)]
		return {'ui': {'text': told}, 'result': (','.join(told),)}


class TestingLinkedOnly:
	"""Declares nothing, so that only links reach it."""

	INPUT_TYPES = inputs()
	RETURN_TYPES = ('STRING',)
	FUNCTION = 'show'
	CATEGORY = 'Testing'

	def show(self, **values):
		return (','.join(f'{name}={values[name]}' for name in sorted(values)),)


class TestingBlock:
	"""Hands on a value, or blocks it: silently, or with a message."""

	INPUT_TYPES = inputs(
		{
			'value': (ANY,),
			'block': ('BOOLEAN', {'default': True}),
			'verbose': ('BOOLEAN', {'default': False}),
		}
	)
	RETURN_TYPES = (ANY,)
	FUNCTION = 'route'
	CATEGORY = 'Testing'

	def route(self, value, block, verbose):
		if block:
			return (ExecutionBlocker('Blocked on purpose' if verbose else None),)
		return (value,)


class TestingShow:
	"""An output node that shows a value as text and gives nothing."""

	INPUT_TYPES = inputs({'value': (ANY,)})
	RETURN_TYPES = ()
	FUNCTION = 'show'
	OUTPUT_NODE = True
	CATEGORY = 'Testing'

	def show(self, value):
		return {'ui': {'text': (str(value),)}}


class TestingError:
	"""Raises."""

	INPUT_TYPES = inputs({'value': (ANY,)})
	RETURN_TYPES = (ANY,)
	FUNCTION = 'fail'
	CATEGORY = 'Testing'

	def fail(self, value):
		raise RuntimeError('Failed on purpose')


class TestingHidden:
	"""An output node that shows what its hidden inputs are."""

	INPUT_TYPES = inputs(
		{'value': ('INT', {'default': 0})},
		hidden={
			'node': 'UNIQUE_ID',
			'graph': 'PROMPT',
			'info': 'EXTRA_PNGINFO',
			'live': 'DYNPROMPT',
			'odd': 'NO_SUCH_THING',
		},
	)
	RETURN_TYPES = ('STRING',)
	FUNCTION = 'tell'
	OUTPUT_NODE = True
	CATEGORY = 'Testing'

	def tell(self, value, node, graph, info, live):
		kind = live.get_node(node)['class_type']
		told = f'{node}:{kind}:{sorted(graph)}:{None if info is None else sorted(info)}'
		return {'ui': {'text': [told]}, 'result': (told,)}


NODES = {
	cls.__name__: cls
	for cls in (
		TestingInt,
		TestingAdd,
		TestingLess,
		TestingAny,
		TestingUndeclared,
		TestingLinkedOnly,
		TestingBlock,
		TestingShow,
		TestingError,
		TestingHidden,
	)
}
