import pytest
from pydantic import JsonValue

from engine.declaration import NodeInfo, Output
from engine.errors import BadDocument
from engine.formats.native import is_native, read_document, read_native
from engine.graph import BadLink, Call, Constant, Link, NodeId

NODES = {
	'Load': NodeInfo(
		kind='Load',
		title='Load',
		category='test',
		outputs=(
			Output(name='MODEL', type='MODEL'),
			Output(name='VAE', type='VAE'),
			Output(name='twin', type='INT'),
			Output(name='twin', type='INT'),
		),
	),
	'Save': NodeInfo(kind='Save', title='Save', category='test', sink=True),
}


def read_input(value: JsonValue) -> object:
	"""What one input reads as, beside a loader and nodes without outputs and of unknown kind."""
	document = read_document(
		{
			'lumengraph': 2,
			'nodes': {
				'it': {'kind': 'Save', 'inputs': {'x': value}},
				'load': {'kind': 'Load'},
				'strange': {'kind': 'Strange'},
			},
		}
	)
	return read_native(document, NODES).calls[NodeId('it')].inputs['x']


class TestReading:
	def test_links_go_by_name(self) -> None:
		"""The name of an output is looked up in the declaration; a number is taken as it is."""
		assert read_input({'node': 'load', 'output': 'VAE'}) == Link(NodeId('load'), 1)
		assert read_input({'node': 'load', 'output': 3}) == Link(NodeId('load'), 3)

	@pytest.mark.parametrize('value', [1, 2.5, 'x', True, None, ['load', 0]])
	def test_what_is_no_object_is_a_constant(self, value: JsonValue) -> None:
		"""A list is data here, not a link."""
		assert read_input(value) == Constant(value)

	def test_a_wrapped_object_is_a_constant(self) -> None:
		"""An object that is data is wrapped, even one that looks like a link."""
		assert read_input({'value': {'node': 'load', 'output': 0}}) == Constant({'node': 'load', 'output': 0})
		assert read_input({'value': None}) == Constant(None)

	@pytest.mark.parametrize(
		('value', 'reason'),
		[
			({'node': 'load'}, 'a link is'),
			({}, 'a link is'),
			({'node': 'load', 'output': 'VAE', 'more': 1}, 'a link is'),
			({'value': 1, 'unit': 'px'}, 'a link is'),
			({'node': 4, 'output': 'VAE'}, 'a link is'),
			({'node': 'load', 'output': True}, 'a name or a number'),
			({'node': 'load', 'output': None}, 'a name or a number'),
			({'node': 'gone', 'output': 'VAE'}, "no node 'gone'"),
			({'node': 'strange', 'output': 'VAE'}, "unknown kind 'Strange'"),
			({'node': 'load', 'output': 'vae'}, "no output 'vae'; it has: MODEL, VAE, twin, twin"),
			({'node': 'load', 'output': 'twin'}, "no output 'twin'"),
			({'node': 'it', 'output': 'x'}, 'it has: none'),
		],
	)
	def test_bad_links_tell_their_reason(self, value: JsonValue, reason: str) -> None:
		"""What stands where a link should is kept for the checker, with the reason."""
		read = read_input(value)

		assert isinstance(read, BadLink)
		assert read.value == value
		assert reason in read.reason

	def test_kinds_and_titles(self) -> None:
		"""A node's kind and title are read; its inputs may be left out."""
		document = read_document({'lumengraph': 2, 'nodes': {'a': {'kind': 'Save', 'title': 'Keep'}}})

		assert read_native(document, NODES).calls == {NodeId('a'): Call('Save', {}, 'Keep')}


class TestDocument:
	def test_unknown_keys_survive(self) -> None:
		"""What a newer program wrote is still there when the file is saved again."""
		document: dict[str, JsonValue] = {
			'lumengraph': 2,
			'author': 'somebody',
			'inputs': {'seed': {'node': 'a', 'input': 'x', 'description': '', 'colour': 'red'}},
			'nodes': {'a': {'kind': 'Save', 'title': '', 'inputs': {}, 'muted': True}},
			'layout': {'zoom': 2},
		}
		again = read_document(document).model_dump(exclude_unset=True)

		assert again['author'] == 'somebody'
		assert again['inputs'] == document['inputs']
		assert again['nodes'] == document['nodes']
		assert again['layout'] == {'zoom': 2}

	def test_a_newer_version_is_refused(self) -> None:
		"""The message tells the file's version and the program's."""
		with pytest.raises(BadDocument, match='has version 3; this program reads up to version 2'):
			read_document({'lumengraph': 3, 'nodes': {}})

	def test_every_wrong_place_is_named(self) -> None:
		"""One message tells all that is wrong with the structure."""
		with pytest.raises(BadDocument) as caught:
			read_document({'lumengraph': 2, 'nodes': {'a': {'inputs': {}}, 'b': {'kind': 'B', 'inputs': []}}})

		assert 'nodes.a.kind' in str(caught.value)
		assert 'nodes.b.inputs' in str(caught.value)

	def test_a_file_says_that_it_is_native(self) -> None:
		"""The key `lumengraph` marks the form."""
		assert is_native({'lumengraph': 2})
		assert not is_native({'nodes': {}})
		assert not is_native([])
