import pytest
from pydantic import JsonValue

from engine.errors import BadDocument
from engine.formats.prompt import LONGEST_REMEMBERED, REMEMBERED, RecentPrompts, is_prompt, read_prompt, write_prompt
from engine.graph import BadLink, Call, Constant, Graph, Link, NodeId

ONE = NodeId('1')


def read_input(value: JsonValue) -> object:
	"""What one input reads as, beside a node '4'."""
	document: JsonValue = {'1': {'class_type': 'A', 'inputs': {'x': value}}, '4': {'class_type': 'B', 'inputs': {}}}
	return read_prompt(document).calls[ONE].inputs['x']


class TestReading:
	def test_kinds_inputs_and_titles(self) -> None:
		"""A node becomes a call with its links, constants and title."""
		read = read_prompt(
			{
				'1': {'class_type': 'A', 'inputs': {'x': ['2', 1], 'y': 5}, '_meta': {'title': 'First', 'ver': 'x'}},
				'2': {'class_type': 'B'},
			}
		)

		assert read == Graph(
			{
				ONE: Call('A', {'x': Link(NodeId('2'), 1), 'y': Constant(5)}, 'First'),
				NodeId('2'): Call('B', {}, ''),
			}
		)

	@pytest.mark.parametrize('value', [5, 7.5, 'text', True, None, {'a': 1}, '["4", 0]'])
	def test_what_is_no_list_is_a_constant(self, value: JsonValue) -> None:
		"""Every JSON value but a list stands for itself."""
		assert read_input(value) == Constant(value)

	def test_a_wrapped_list_is_a_constant(self) -> None:
		"""`__value__` carries a list that is data and not a link; what stands beside it is dropped."""
		assert read_input({'__value__': ['4', 0]}) == Constant(['4', 0])
		assert read_input({'__type__': 'CURVE', '__value__': [[0, 1]]}) == Constant([[0, 1]])

	def test_links_are_read_leniently(self) -> None:
		"""A numeric id is meant as text when such a node exists, and 0.0 is the output 0."""
		assert read_input(['4', 0]) == Link(NodeId('4'), 0)
		assert read_input([4, 0]) == Link(NodeId('4'), 0)
		assert read_input(['4', 0.0]) == Link(NodeId('4'), 0)
		assert read_input(['nowhere', 0]) == Link(NodeId('nowhere'), 0)

	@pytest.mark.parametrize(
		('value', 'reason'),
		[
			([], 'a list of two'),
			(['4'], 'a list of two'),
			(['4', 0, 0], 'a list of two'),
			([5, 0], 'node id'),
			([True, 0], 'node id'),
			([None, 0], 'node id'),
			(['4', 'IMAGE'], 'output number'),
			(['4', 0.5], 'output number'),
			(['4', True], 'output number'),
		],
	)
	def test_bad_links_are_kept_for_the_checker(self, value: JsonValue, reason: str) -> None:
		"""A list that names no output does not stop the reading; it says why it is none."""
		read = read_input(value)

		assert isinstance(read, BadLink)
		assert read.value == value
		assert reason in read.reason

	@pytest.mark.parametrize('body', [{'inputs': {}}, {'class_type': None}, {'class_type': 7}])
	def test_a_node_without_a_kind_is_kept_for_the_checker(self, body: JsonValue) -> None:
		"""The editor sends nodes that it does not know without `class_type`."""
		assert read_prompt({'1': body}).calls[ONE].kind == ''

	@pytest.mark.parametrize(
		('document', 'message'),
		[
			([], 'not a list'),
			(None, 'not null'),
			('text', 'not text'),
			({'1': 5}, '^1: .*not a number'),
			({'1': {'class_type': 'A', 'inputs': []}}, '^1: "inputs" is an object, not a list'),
		],
	)
	def test_what_is_no_object_of_objects_is_refused(self, document: JsonValue, message: str) -> None:
		"""The message says what stands in the place of an object, and at which node."""
		with pytest.raises(BadDocument, match=message):
			read_prompt(document)


class TestWriting:
	def test_a_graph_survives(self) -> None:
		"""What is written reads as the same graph, whatever the constants are."""
		values: list[JsonValue] = [
			1,
			2.5,
			'x',
			False,
			None,
			['4', 0],
			[],
			{'a': [1]},
			{'__value__': [1]},
			{'__value__': 1},
		]
		asked = Graph(
			{
				ONE: Call('A', {str(index): Constant(value) for index, value in enumerate(values)}, 'Title'),
				NodeId('2'): Call('B', {'x': Link(ONE, 3)}),
			}
		)

		assert read_prompt(write_prompt(asked)) == asked

	def test_bad_links_are_written_as_they_came(self) -> None:
		"""A saved picture carries what was submitted."""
		document: dict[str, JsonValue] = {'1': {'class_type': 'A', 'inputs': {'x': ['4']}}}

		assert write_prompt(read_prompt(document)) == document


class TestRecentPrompts:
	"""Prompts that come again."""

	def test_the_same_is_the_same_graph(self) -> None:
		"""It is read once."""
		recent = RecentPrompts()
		first, again = (recent.read({'1': {'class_type': 'A', 'inputs': {'x': 1}}}) for _ in range(2))

		assert first == read_prompt({'1': {'class_type': 'A', 'inputs': {'x': 1}}})
		assert again is first

	def test_values_of_other_types_are_others(self) -> None:
		"""Though Python takes them for equal."""
		recent = RecentPrompts()
		read = [recent.read({'1': {'class_type': 'A', 'inputs': {'x': value}}}) for value in (1, 1.0, True)]

		assert [repr(graph.calls[ONE].inputs['x']) for graph in read] == [
			'Constant(value=1)',
			'Constant(value=1.0)',
			'Constant(value=True)',
		]

	def test_only_the_last_are_known(self) -> None:
		"""Of those that did not come for long, nothing is kept; one that came again lately is."""
		recent = RecentPrompts()
		often, once = recent.read({'often': {}}), recent.read({'once': {}})
		for number in range(REMEMBERED):
			recent.read({str(number): {}})
			recent.read({'often': {}})

		assert recent.read({'often': {}}) is often
		assert recent.read({'once': {}}) is not once

	def test_a_large_one_is_read_and_let_go(self) -> None:
		"""Memory is for graphs of the usual size."""
		recent = RecentPrompts()
		large: dict[str, JsonValue] = {'1': {'class_type': 'A', 'inputs': {'x': 'x' * LONGEST_REMEMBERED}}}

		assert recent.read(large) == read_prompt(large)
		assert recent.read(large) is not recent.read(large)

	@pytest.mark.parametrize('document', [[], {'1': 5}])
	def test_a_bad_one_is_refused_each_time(self, document: JsonValue) -> None:
		"""What cannot be read is not remembered."""
		recent = RecentPrompts()
		for _ in range(2):
			with pytest.raises(BadDocument):
				recent.read(document)


class TestRecognition:
	@pytest.mark.parametrize('document', [{'1': {'class_type': 'A'}}, {'1': {}, '2': {'class_type': 'A'}}])
	def test_a_prompt_is_known_by_a_class_type(self, document: JsonValue) -> None:
		"""One node with a kind is enough, so that the others are reported."""
		assert is_prompt(document)

	@pytest.mark.parametrize('document', [{}, [], None, {'1': {}}, {'1': {'class_type': 'A'}, 'version': 1}])
	def test_anything_else_is_none(self, document: JsonValue) -> None:
		"""An empty object, and an object of other things, is no prompt."""
		assert not is_prompt(document)
