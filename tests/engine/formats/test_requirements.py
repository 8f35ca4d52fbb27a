"""What a workflow says that must be there, held against what is here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.catalogue import Catalogue
from engine.formats.convert import converted
from engine.formats.document import Requirements
from engine.formats.requirements import missing_models
from engine.formats.workflow import read_workflow
from engine.settings import Settings
from tests.engine.formats.editor.canvas import NODES, canvas, node

NEWER = {**NODES, 'Blur': NODES['Blur'].model_copy(update={'version': '3'})}


def document(**nodes: Any) -> dict[str, Any]:
	"""A native document."""
	return {'lumengraph': 2, 'nodes': nodes}


class TestVersions:
	def test_another_version_is_told(self) -> None:
		"""A newer kind, an older one, and one whose version is no number; nodes of subgraphs are named with them."""
		made = {
			**document(a={'kind': 'Blur'}, b={'kind': 'Blur', 'version': '5'}, c={'kind': 'Load', 'version': 'x'}),
			'subgraphs': {'s': {'nodes': {'d': {'kind': 'Blur'}}}},
		}

		assert read_workflow(made, NEWER).warnings == (
			"nodes 'a', 's/d' (Blur): the file was written for version 1, a newer one (3) is installed; "
			'the result may be another one.',
			"node 'b' (Blur): the file was written for version 5, an older one (3) is installed; "
			'the result may be another one.',
			"node 'c' (Load): the file was written for version x, version 1 is installed; the result may be another one.",
		)

	def test_written_with_the_version_that_is_installed(self) -> None:
		"""Whoever writes a file writes it for what is there; the first version need not be named."""
		made: Any = converted(read_workflow(document(a={'kind': 'Blur'}, b={'kind': 'Load'}), NEWER), 'native', NEWER)

		assert made['nodes'] == {'a': {'kind': 'Blur', 'version': '3'}, 'b': {'kind': 'Load'}}
		assert read_workflow(made, NEWER).warnings == ()


class TestKinds:
	def test_unknown_ones_with_their_pack(self) -> None:
		"""Also of nodes inside of instances; what is switched off is not missed."""
		made = {
			**document(a={'kind': 'subgraph:s'}, b={'kind': 'Gone', 'mode': 'mute'}, c={'kind': 'Lost'}),
			'subgraphs': {'s': {'nodes': {'d': {'kind': 'Odd', 'pack': 'odd-pack'}}}},
		}
		missing = read_workflow(made, NODES).missing

		assert [(one.kind, one.nodes, one.pack) for one in missing] == [
			('Odd', ('a:d',), 'odd-pack'),
			('Lost', ('c',), ''),
		]

	def test_packs_of_the_editor_form(self) -> None:
		"""The pack and its version that a node of the editor form names are required, but for what comes with ComfyUI."""
		odd = {**node(1, 'Odd'), 'properties': {'cnr_id': 'odd-pack', 'ver': '1.2'}}
		core = {**node(2, 'Load', ['a']), 'properties': {'cnr_id': 'comfy-core', 'ver': '0.3'}}
		made: Any = converted(read_workflow(canvas([odd, core], []), NODES), 'native', NODES)

		assert made['requires'] == {'packs': {'odd-pack': '1.2'}}
		assert made['nodes']['1'] == {'kind': 'Odd', 'pack': 'odd-pack'}
		assert read_workflow(made, NODES).missing[0].pack == 'odd-pack'

	def test_packs_that_are_installed(self) -> None:
		"""Whoever opens the file elsewhere is told which pack has the kind; what the file says of it already stays."""
		nodes = {**NODES, 'Odd': NODES['Blur'].model_copy(update={'kind': 'Odd', 'origin': 'custom_nodes.odd-pack'})}
		given = document(a={'kind': 'Odd'}, b={'kind': 'Odd', 'pack': 'its-name'}, c={'kind': 'Blur'})
		made: Any = converted(read_workflow(given, nodes), 'native', nodes)

		assert [made['nodes'][node].get('pack') for node in 'abc'] == ['odd-pack', 'its-name', None]


class TestModels:
	def test_not_here_or_another_one(self, tmp_path: Path) -> None:
		"""By name and folder, and by digest where one is given."""
		settings = Settings(base=tmp_path)
		folder = settings.models_folder / 'loras'
		folder.mkdir(parents=True)
		for name in ('same.safetensors', 'other.safetensors'):
			(folder / name).write_bytes(b'weights')
		catalogue = Catalogue(settings)
		digest = catalogue.digest(folder / 'same.safetensors')
		requires = Requirements.model_validate(
			{
				'models': {
					'same.safetensors': {'folder': 'loras', 'digest': digest},
					'other.safetensors': {'folder': 'loras', 'digest': 'f' * 64},
					'gone.safetensors': {'folder': 'loras', 'url': 'https://example.org/gone'},
					'any.safetensors': {},
				}
			}
		)

		assert [missing.sentence for missing in missing_models(requires, catalogue)] == [
			"the model 'other.safetensors' (loras) is another file than the workflow was made with",
			"the model 'gone.safetensors' is not in the folder 'loras'; it is found at https://example.org/gone",
		]

	def test_those_of_the_editor_form(self) -> None:
		"""Nodes tell where their models are found, those in subgraphs too."""
		told = {
			'name': 'a.safetensors',
			'url': 'https://example.org/a',
			'directory': 'vae',
			'hash': 'AB',
			'hash_type': 'SHA256',
		}
		inner = {
			'id': 's',
			'name': 'S',
			'nodes': [{**node(1, 'Blur', [1]), 'properties': {'models': [told]}}],
			'links': [],
		}
		workflow = read_workflow(canvas([node(1, 's')], [], definitions={'subgraphs': [inner]}), NODES)
		made: Any = converted(workflow, 'native', NODES)

		assert workflow.requires.models.keys() == {'a.safetensors'}
		assert made['requires']['models'] == {
			'a.safetensors': {'folder': 'vae', 'sha256': 'ab', 'url': 'https://example.org/a'}
		}
