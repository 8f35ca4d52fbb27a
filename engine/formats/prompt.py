"""ComfyUI's API form: `{"3": {"class_type": "KSampler", "inputs": {"seed": 1, "model": ["4", 0]}}}`.

Reading never fails for what is wrong with a single input: that becomes a `BadLink`, or an empty kind, for the checker
to report with everything else.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from pydantic import JsonValue
from pydantic_core import from_json, to_json

from engine.errors import BadDocument
from engine.graph import Argument, BadLink, Call, Constant, Graph, Link, NodeId, node_id

REMEMBERED = 8
LONGEST_REMEMBERED = 2**20


def is_prompt(document: JsonValue) -> bool:
	"""Whether a document looks like this form: an object of objects, of which one has a `class_type`."""
	return (
		isinstance(document, dict)
		and bool(document)
		and all(isinstance(node, dict) for node in document.values())
		and any('class_type' in node for node in document.values() if isinstance(node, dict))
	)


def read_prompt(document: JsonValue) -> Graph:
	"""Read the API form. Raises `BadDocument` when it is not an object of objects."""
	if not isinstance(document, dict):
		raise BadDocument(f'A prompt is an object of nodes, not {describe(document)}.')
	calls: dict[NodeId, Call] = {}
	for node, body in document.items():
		if not isinstance(body, dict):
			raise BadDocument(f'A node is an object with "class_type" and "inputs", not {describe(body)}.', where=node)
		kind = body.get('class_type')
		inputs = body.get('inputs', {})
		if not isinstance(inputs, dict):
			raise BadDocument(f'"inputs" is an object, not {describe(inputs)}.', where=node)
		meta = body.get('_meta')
		title = meta.get('title') if isinstance(meta, dict) else None
		calls[node_id(node)] = Call(
			kind if isinstance(kind, str) else '',
			{name: _argument(value, document) for name, value in inputs.items()},
			title if isinstance(title, str) else '',
		)
	return Graph(calls)


class RecentPrompts:
	"""Reads prompts, and knows the last ones again by their text: people mostly run once more what they have just run."""

	def __init__(self) -> None:
		self._graphs: OrderedDict[bytes, Graph] = OrderedDict()

	def read(self, document: JsonValue) -> Graph:
		"""The graph of a prompt; the very same object for the same text. Raises `BadDocument`."""
		text = to_json(document)
		graph = self._graphs.pop(text, None) or read_prompt(document)
		if len(text) <= LONGEST_REMEMBERED:
			self._graphs[text] = graph
			if len(self._graphs) > REMEMBERED:
				self._graphs.popitem(last=False)
		return graph


def _argument(value: JsonValue, document: Mapping[str, JsonValue]) -> Argument:
	if isinstance(value, dict) and '__value__' in value:
		return Constant(value['__value__'])
	if not isinstance(value, list):
		return Constant(value)
	if len(value) == 2:
		node, output = value
		if isinstance(node, int) and not isinstance(node, bool) and str(node) in document:
			node = str(node)
		if isinstance(output, float) and output.is_integer():
			output = int(output)
		if isinstance(node, str) and isinstance(output, int) and not isinstance(output, bool):
			return Link(node_id(node), output)
	return BadLink(value, misshapen(value))


def misshapen(value: list[JsonValue]) -> str:
	"""Why a list is no link."""
	if len(value) != 2:
		return 'a link is a list of two: node id and output number'
	output = value[1]
	if isinstance(output, float) and output.is_integer():
		output = int(output)
	if not isinstance(output, int) or isinstance(output, bool):
		return 'the second of a link is an output number'
	return 'the first of a link is a node id'


def write_prompt(graph: Graph) -> dict[str, JsonValue]:
	"""Write a graph in the API form."""
	return {node: _write_call(call) for node, call in graph.calls.items()}


def _write_call(call: Call) -> JsonValue:
	inputs: dict[str, JsonValue] = {}
	for name, argument in call.inputs.items():
		if isinstance(argument, Link):
			inputs[name] = [argument.node, argument.output]
		elif isinstance(argument, Constant):
			inputs[name] = _write_constant(argument.value)
		elif isinstance(argument, BadLink):
			inputs[name] = argument.value
	body: dict[str, JsonValue] = {'class_type': call.kind, 'inputs': inputs}
	if call.title:
		body['_meta'] = {'title': call.title}
	return body


def _write_constant(value: JsonValue) -> JsonValue:
	"""A value as it is, but for what would be read as a link or as something wrapped."""
	wrapped = isinstance(value, list) or (isinstance(value, dict) and '__value__' in value)
	return {'__value__': value} if wrapped else value


def read_object(text: str) -> dict[str, JsonValue]:
	"""A JSON object that was written here, such as a prompt."""
	document = from_json(text)
	if not isinstance(document, dict):
		raise TypeError(f'A JSON object was expected, not {type(document).__name__}.')
	return document


def describe(value: JsonValue) -> str:
	"""A JSON value's type in words, for messages."""
	match value:
		case None:
			return 'null'
		case bool():
			return 'true or false'
		case int() | float():
			return 'a number'
		case str():
			return 'text'
		case list():
			return 'a list'
		case dict():
			return 'an object'
