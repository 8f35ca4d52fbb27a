"""Nodes that become graphs: accumulators, loops, and what goes wrong with them."""

from comfy_execution.graph_utils import GraphBuilder, is_link

from .types import ANY, inputs

VALUES = {f'value{index}': (ANY,) for index in range(1, 4)}


class TestingAccumulate:
	"""Appends a value to an accumulation."""

	INPUT_TYPES = inputs({'to_add': (ANY,)}, {'accumulation': ('ACCUMULATION',)})
	RETURN_TYPES = ('ACCUMULATION',)
	FUNCTION = 'append'
	CATEGORY = 'Testing/Expanding'

	def append(self, to_add, accumulation=None):
		return ({'accum': [*(accumulation['accum'] if accumulation else ()), to_add]},)


class TestingAccumulationToList:
	"""An accumulation as a list of items."""

	INPUT_TYPES = inputs({'accumulation': ('ACCUMULATION',)})
	RETURN_TYPES = (ANY,)
	OUTPUT_IS_LIST = (True,)
	FUNCTION = 'unpack'
	CATEGORY = 'Testing/Expanding'

	def unpack(self, accumulation):
		return (accumulation['accum'],)


class TestingLoopOpen:
	"""The begin of a loop: hands its values on, and is where the end finds the loop's nodes."""

	INPUT_TYPES = inputs({}, VALUES)
	RETURN_TYPES = ('FLOW', ANY, ANY, ANY)
	RETURN_NAMES = ('flow', 'value1', 'value2', 'value3')
	FUNCTION = 'open'
	CATEGORY = 'Testing/Expanding'

	def open(self, value1=None, value2=None, value3=None):
		return ('flow', value1, value2, value3)


class TestingLoopClose:
	"""The end of a loop: as long as the condition holds, it becomes the loop's nodes once more, and itself."""

	INPUT_TYPES = inputs(
		{'flow': ('FLOW', {'rawLink': True}), 'condition': ('BOOLEAN', {'forceInput': True})},
		VALUES,
		{'dynprompt': 'DYNPROMPT', 'unique_id': 'UNIQUE_ID'},
	)
	RETURN_TYPES = (ANY, ANY, ANY)
	RETURN_NAMES = ('value1', 'value2', 'value3')
	FUNCTION = 'close'
	CATEGORY = 'Testing/Expanding'

	def close(self, flow, condition, dynprompt, unique_id, **values):
		given = [values.get(name) for name in VALUES]
		if not condition:
			return tuple(given)
		begin = flow[0]
		inside = self._between(begin, unique_id, dynprompt)
		graph = GraphBuilder()
		for node in inside:
			name = 'Again' if node == unique_id else node
			graph.node(dynprompt.get_node(node)['class_type'], name).set_override_display_id(node)
		for node in inside:
			copy = graph.lookup_node('Again' if node == unique_id else node)
			for key, value in dynprompt.get_node(node)['inputs'].items():
				if is_link(value) and value[0] in inside:
					copy.set_input(key, graph.lookup_node(value[0]).out(value[1]))
				else:
					copy.set_input(key, value)
		opened = graph.lookup_node(begin)
		for name, value in zip(VALUES, given, strict=True):
			opened.set_input(name, value)
		again = graph.lookup_node('Again')
		return {'result': tuple(again.out(index) for index in range(3)), 'expand': graph.finalize()}

	@staticmethod
	def _between(begin, end, dynprompt):
		"""The nodes that lie on a way from begin to end, both included, in a steady order."""
		inside = [begin]
		found = {begin: True}

		def reaches(node):
			if node not in found:
				found[node] = False
				links = [value for value in dynprompt.get_node(node)['inputs'].values() if is_link(value)]
				# Every link is followed, not only up to the first that leads there.
				found[node] = any([reaches(link[0]) for link in links])  # noqa: C419
				if found[node]:
					inside.append(node)
			return found[node]

		reaches(end)
		return inside


class TestingSumTo:
	"""The sum of the numbers up to `count`, by becoming an addition and itself with one less."""

	INPUT_TYPES = inputs({'count': ('INT', {'default': 3})})
	RETURN_TYPES = ('INT',)
	FUNCTION = 'expand'
	CATEGORY = 'Testing/Expanding'

	def expand(self, count):
		if count <= 0:
			return (0,)
		graph = GraphBuilder()
		rest = graph.node('TestingSumTo', count=count - 1)
		total = graph.node('TestingAdd', a=count, b=rest.out(0))
		return {'result': (total.out(0),), 'expand': graph.finalize()}


class TestingPeek:
	"""Takes a link and reads another output of the node that it leads to, by becoming a node that does."""

	INPUT_TYPES = inputs({'flow': ('FLOW', {'rawLink': True})}, hidden={'start': (ANY,)})
	RETURN_TYPES = (ANY,)
	FUNCTION = 'peek'
	CATEGORY = 'Testing/Expanding'

	def peek(self, flow, start='nothing'):
		graph = GraphBuilder()
		node = graph.node('TestingAny', value=[flow[0], 1])
		shown = graph.node('TestingPeeked', value=node.out(0), start=5)
		return {'result': (shown.out(0),), 'expand': graph.finalize()}


class TestingPeeked:
	"""Tells a value, and a constant that only an expansion can give, since no client is offered it."""

	INPUT_TYPES = inputs({'value': (ANY,)}, hidden={'start': (ANY,)})
	RETURN_TYPES = ('STRING',)
	FUNCTION = 'tell'
	CATEGORY = 'Testing/Expanding'

	def tell(self, value, start='nothing'):
		return (f'{value} from {start}',)


class TestingMixedReturn:
	"""Called per item: even numbers are given as they are, odd ones by a graph that adds ten."""

	INPUT_TYPES = inputs({'value': ('INT', {'default': 0})})
	RETURN_TYPES = ('INT',)
	FUNCTION = 'route'
	CATEGORY = 'Testing/Expanding'

	def route(self, value):
		if value % 2 == 0:
			return (value,)
		graph = GraphBuilder()
		added = graph.node('TestingAdd', a=value, b=10)
		return {'result': (added.out(0),), 'expand': graph.finalize()}


class TestingExpandToOutputs:
	"""Becomes a graph with an output node of its own, at which nothing hangs, and hands on the value."""

	INPUT_TYPES = inputs({'value': (ANY,)})
	RETURN_TYPES = (ANY,)
	FUNCTION = 'expand'
	CATEGORY = 'Testing/Expanding'

	def expand(self, value):
		graph = GraphBuilder()
		graph.node('TestingShow', value=value)
		return {'result': (value,), 'expand': graph.finalize(), 'ui': {'text': ['expanded']}}


class TestingDynamicCycle:
	"""Becomes two nodes that wait for each other."""

	INPUT_TYPES = inputs({'value': ('INT', {'default': 0})})
	RETURN_TYPES = ('INT',)
	FUNCTION = 'expand'
	CATEGORY = 'Testing/Expanding'

	def expand(self, value):
		graph = GraphBuilder()
		first = graph.node('TestingAdd', a=value)
		second = graph.node('TestingAdd', a=value, b=first.out(0))
		first.set_input('b', second.out(0))
		return {'result': (first.out(0),), 'expand': graph.finalize()}


class TestingDuplicateIds:
	"""Becomes a graph in which its own id comes again."""

	INPUT_TYPES = inputs({'value': ('INT', {'default': 0})}, hidden={'unique_id': 'UNIQUE_ID'})
	RETURN_TYPES = ('INT',)
	FUNCTION = 'expand'
	CATEGORY = 'Testing/Expanding'

	def expand(self, value, unique_id):
		graph = GraphBuilder(prefix='')
		node = graph.node('TestingInt', unique_id, value=value)
		return {'result': (node.out(0),), 'expand': graph.finalize()}


class TestingExpandObjects:
	"""Hands objects, such as tensors and dicts, to a node that it becomes."""

	INPUT_TYPES = inputs({'value': (ANY,)})
	RETURN_TYPES = (ANY,)
	FUNCTION = 'expand'
	CATEGORY = 'Testing/Expanding'

	def expand(self, value):
		graph = GraphBuilder()
		node = graph.node('TestingAny', value={'held': value})
		return {'result': (node.out(0),), 'expand': graph.finalize()}


class TestingExpandToNative:
	"""Hands a picture, as the tensor that it is, to the host's own sink, and hands it on."""

	INPUT_TYPES = inputs({'image': ('IMAGE',)})
	RETURN_TYPES = ('IMAGE',)
	FUNCTION = 'expand'
	CATEGORY = 'Testing/Expanding'

	def expand(self, image):
		graph = GraphBuilder()
		graph.node('PreviewImage', 'shown', images=image)
		return {'result': (image,), 'expand': graph.finalize()}


class TestingSleepInside:
	"""Becomes three sleepers and the sum of what they hand on."""

	INPUT_TYPES = inputs({'value': ('INT', {'default': 0})})
	RETURN_TYPES = ('INT',)
	FUNCTION = 'expand'
	CATEGORY = 'Testing/Expanding'

	def expand(self, value):
		graph = GraphBuilder()
		first, second, third = (graph.node('TestingSleep', value=value + n, seconds=0.2) for n in range(3))
		some = graph.node('TestingAdd', a=first.out(0), b=second.out(0))
		total = graph.node('TestingAdd', a=some.out(0), b=third.out(0))
		return {'result': (total.out(0),), 'expand': graph.finalize()}


class TestingBlockInside:
	"""Becomes a node that blocks what it is given."""

	INPUT_TYPES = inputs({'value': (ANY,), 'verbose': ('BOOLEAN', {'default': False})})
	RETURN_TYPES = (ANY,)
	FUNCTION = 'expand'
	CATEGORY = 'Testing/Expanding'

	def expand(self, value, verbose):
		graph = GraphBuilder()
		blocked = graph.node('TestingBlock', value=value, block=True, verbose=verbose)
		return {'result': (graph.node('TestingAny', value=blocked.out(0)).out(0),), 'expand': graph.finalize()}


class TestingFailInside:
	"""Becomes a node that raises, inside of another expansion if that is wanted."""

	INPUT_TYPES = inputs({'value': (ANY,), 'deep': ('BOOLEAN', {'default': False})})
	RETURN_TYPES = (ANY,)
	FUNCTION = 'expand'
	CATEGORY = 'Testing/Expanding'

	def expand(self, value, deep):
		graph = GraphBuilder()
		kind, more = ('TestingFailInside', {'deep': False}) if deep else ('TestingError', {})
		return {'result': (graph.node(kind, value=value, **more).out(0),), 'expand': graph.finalize()}


class TestingLinkBack:
	"""Gives its own output as its result: straight, or through a node that it becomes."""

	INPUT_TYPES = inputs({'through': ('BOOLEAN', {'default': False})}, hidden={'unique_id': 'UNIQUE_ID'})
	RETURN_TYPES = (ANY,)
	FUNCTION = 'expand'
	CATEGORY = 'Testing/Expanding'

	def expand(self, through, unique_id):
		graph = GraphBuilder()
		own = [unique_id, 0]
		return {
			'result': (graph.node('TestingAny', value=own).out(0) if through else own,),
			'expand': graph.finalize(),
		}


NODES = {
	cls.__name__: cls
	for cls in (
		TestingAccumulate,
		TestingAccumulationToList,
		TestingLoopOpen,
		TestingLoopClose,
		TestingPeek,
		TestingPeeked,
		TestingSumTo,
		TestingMixedReturn,
		TestingExpandToOutputs,
		TestingDynamicCycle,
		TestingDuplicateIds,
		TestingExpandObjects,
		TestingExpandToNative,
		TestingSleepInside,
		TestingBlockInside,
		TestingFailInside,
		TestingLinkBack,
	)
}
