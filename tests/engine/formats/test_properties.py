"""Whatever a graph holds, it is the same in every form."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.formats.convert import converted
from engine.formats.workflow import Workflow, read_workflow
from engine.graph import Argument, Call, Constant, Graph, Link, NodeId
from tests.engine.formats.editor.canvas import NODES

WORDS = st.text(st.characters(codec='utf-8'), max_size=5)
PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | WORDS
VALUES = st.recursive(
	PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=5
)
KINDS = ('Load', 'Blur', 'Noise', 'Mix', 'Write', 'Save', 'Unknown')
EXAMPLES = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
	"""Some nodes, known and unknown, with values of all types and links among them."""
	ids = draw(st.lists(st.integers(0, 99).map(str) | WORDS.filter(bool), min_size=1, max_size=6, unique=True))
	calls: dict[NodeId, Call] = {}
	for id in ids:
		kind = draw(st.sampled_from(KINDS))
		names = [item.name for item in NODES[kind].inputs] if kind in NODES else ['a', 'b']
		inputs: dict[str, Argument] = {}
		for name in names:
			if draw(st.booleans()):
				source = draw(st.sampled_from(ids))
				inputs[name] = Link(NodeId(source), draw(st.integers(0, 3)))
			else:
				inputs[name] = Constant(draw(VALUES))
		calls[NodeId(id)] = Call(kind, inputs, draw(WORDS))
	return Graph(calls)


@EXAMPLES
@given(graph=graphs())
def test_native_and_api(graph: Graph) -> None:
	"""Written and read, the graph is equal, in either form and through both."""
	native = read_workflow(json.loads(json.dumps(converted(Workflow(graph), 'native', NODES))), NODES)
	api = read_workflow(json.loads(json.dumps(converted(native, 'api', NODES))), NODES)

	assert native.graph == graph
	assert api.graph == graph
	assert read_workflow(json.loads(json.dumps(converted(api, 'native', NODES))), NODES).graph == graph


@EXAMPLES
@given(graph=graphs())
def test_editor(graph: Graph) -> None:
	"""Drawn and read, each node has the values and the links that it had; only ids may be others."""
	written = json.loads(json.dumps(converted(Workflow(graph), 'editor', NODES)))
	read = read_workflow(written, NODES).graph
	ids = dict(zip(graph.calls, read.calls, strict=True))
	for node, call in graph.calls.items():
		for name, argument in call.inputs.items():
			again = read.calls[ids[node]].inputs.get(name)
			if isinstance(argument, Link):
				assert again == Link(ids[argument.node], argument.output)
			elif argument != Constant(None):
				assert again == argument
