"""Which files a graph names."""

from __future__ import annotations

from engine.declaration import Choice, Input, NodeInfo, Text
from engine.graph import Call, Constant, Graph, Link, NodeId
from engine.namedfiles import NamedFile, named_files

LOADER = NodeInfo(
	kind='Load',
	title='',
	category='',
	inputs=(
		Input(name='model', type='COMBO', widget=Choice(files_from='models:loras')),
		Input(name='image', type='COMBO', widget=Choice(files_from='input:image')),
		Input(name='text', type='STRING', widget=Text()),
	),
)


def named(**inputs: object) -> list[NamedFile]:
	"""The files that one loader names."""
	given = {name: value if isinstance(value, Link) else Constant(str(value)) for name, value in inputs.items()}
	return list(
		named_files(Graph({NodeId('a'): Call('Load', given), NodeId('b'): Call('Strange', given)}), {'Load': LOADER})
	)


class TestNamedFiles:
	"""Constants of inputs that choose among files."""

	def test_models_and_pictures(self) -> None:
		"""With the folder that they lie in; other inputs and unknown kinds name none."""
		assert named(model='x.safetensors', image='sub/a.png', text='b.png') == [
			NamedFile(NodeId('a'), 'model', 'loras', 'x.safetensors', True),
			NamedFile(NodeId('a'), 'image', 'input', 'sub/a.png', False),
		]

	def test_a_name_may_say_its_folder(self) -> None:
		"""As `LoadImage` takes it."""
		[file] = named(image='a.png [output]')

		assert (file.folder, file.name) == ('output', 'a.png')

	def test_links_name_nothing(self) -> None:
		"""What comes in by a link is not known beforehand."""
		assert named(model=Link(NodeId('b'), 0)) == []
