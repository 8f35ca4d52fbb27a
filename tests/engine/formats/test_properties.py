"""Whatever a graph holds, it is the same in every form."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.formats.convert import converted
from engine.formats.native import read_document, read_native
from engine.formats.prompt import read_prompt
from engine.formats.workflow import Workflow, read_workflow
from engine.formats.writing import dumps
from engine.graph import Argument, Call, Constant, Graph, Link, NodeId
from tests.engine.formats.editor.canvas import NODES
from tests.engine.formats.generated import editor_graphs, native_documents

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


@EXAMPLES
@given(document=editor_graphs())
def test_editor_graphs(document: Any) -> None:
	"""What the peer's editor saves runs the same as a native document, and comes back as the very file."""
	workflow = read_workflow(document, NODES)
	text = json.dumps(converted(workflow, 'native', NODES))
	native = read_workflow(json.loads(text), NODES)

	assert native.graph == workflow.graph
	assert converted(native, 'editor', NODES) == document
	# Written once more, the file is the same, line by line.
	assert json.dumps(converted(native, 'native', NODES)) == text


@EXAMPLES
@given(document=editor_graphs())
def test_editor_graphs_drawn_anew(document: Any) -> None:
	"""Without the block that keeps the rest, a native document drawn anew still says the same."""
	native: Any = converted(read_workflow(document, NODES), 'native', NODES)
	native.pop('editor')
	workflow = read_workflow(native, NODES)
	again = read_workflow(json.loads(json.dumps(converted(workflow, 'editor', NODES))), NODES)

	assert_alike(workflow.graph, again.graph)


@EXAMPLES
@given(document=native_documents())
def test_native_documents(document: Any) -> None:
	"""Written, read, and drawn, a document with subgraphs says the same; its layout has no part in that."""
	workflow = read_workflow(document, NODES)
	written = dumps(read_document(document))

	assert read_workflow(json.loads(written), NODES).graph == workflow.graph
	assert dumps(read_document(json.loads(written))) == written
	assert read_native(read_document({**document, 'layout': {}}), NODES) == workflow.graph
	assert_alike(workflow.graph, read_workflow(converted(workflow, 'editor', NODES), NODES).graph)
	assert read_prompt(converted(workflow, 'api', NODES)) == workflow.graph


def assert_alike(graph: Graph, again: Graph) -> None:
	"""The same nodes and values; ids may be others, and widgets without a value may have their defaults."""
	assert len(again.calls) == len(graph.calls)
	ids = {node: NodeId(node.replace(':', '_')) for node in graph.calls}
	found = {NodeId(node.replace(':', '_')): call for node, call in again.calls.items()}
	for node, call in graph.calls.items():
		other = found[ids[node]]
		assert other.kind == call.kind
		for name in call.inputs.keys() | other.inputs.keys():
			given, read = call.inputs.get(name), other.inputs.get(name)
			if isinstance(given, Link):
				assert isinstance(read, Link)
				assert (read.node.replace(':', '_'), read.output) == (ids[given.node], given.output)
			else:
				assert given == read or (given is None and isinstance(read, Constant))
