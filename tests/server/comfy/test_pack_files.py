"""What lies in packs as plain files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import JsonValue

from server.comfy.pack_files import blueprints, examples, find_example, merged, pack_folders, replacements, translations


def pack(place: Path, name: str, files: Mapping[str, object]) -> Path:
	"""A pack with these files: text as it is, anything else as JSON."""
	folder = place / name
	for path, content in {'__init__.py': '', **files}.items():
		(folder / path).parent.mkdir(parents=True, exist_ok=True)
		(folder / path).write_text(content if isinstance(content, str) else json.dumps(content))
	return folder


class TestPackFolders:
	def test_packs_that_are_folders(self, tmp_path: Path) -> None:
		"""Of every place, by name; single files, disabled ones and what is no pack have nothing to offer."""
		first, second = pack(tmp_path / 'a', 'two', {}), pack(tmp_path / 'a', 'one', {})
		third = pack(tmp_path / 'b', 'three', {})
		pack(tmp_path / 'b', 'off.disabled', {})
		(tmp_path / 'b' / 'single.py').touch()
		(tmp_path / 'b' / 'none').mkdir()

		assert pack_folders([tmp_path / 'a', tmp_path / 'b', tmp_path / 'none']) == [second, first, third]


class TestTranslations:
	def test_packs_are_merged(self, tmp_path: Path) -> None:
		"""Key by key; `main.json` is the whole, the other files are parts of it, and what comes last counts."""
		packs = [
			pack(
				tmp_path,
				'a',
				{
					'locales/de/main.json': {'title': 'A', 'settings': {'x': 'main'}},
					'locales/de/settings.json': {'x': 'own', 'y': 1},
					'locales/de/nodeDefs.json': {'Node': {'inputs': {'a': 'b'}}},
					'locales/de/other.json': {'never': 'read'},
				},
			),
			pack(
				tmp_path,
				'b',
				{
					'locales/de/main.json': {'title': 'B'},
					'locales/de/nodeDefs.json': {'Node': {'inputs': {'c': 'd'}}},
					'locales/fr/commands.json': {'run': 'va'},
				},
			),
		]

		assert translations(packs) == {
			'de': {
				'title': 'B',
				'settings': {'x': 'own', 'y': 1},
				'nodeDefs': {'Node': {'inputs': {'a': 'b', 'c': 'd'}}},
			},
			'fr': {'commands': {'run': 'va'}},
		}

	@pytest.mark.parametrize('text', ['{"a": ', '["a"]', '', '\x00', '{"a": "\\ud800"}'])
	def test_what_cannot_be_read_is_left_out(self, tmp_path: Path, text: str) -> None:
		"""And spoils nothing else."""
		files = {'locales/de/main.json': text, 'locales/de/commands.json': {'run': 'los'}, 'locales/fr/main.json': text}

		assert translations([pack(tmp_path, 'a', files)]) == {'de': {'commands': {'run': 'los'}}}

	def test_file_with_a_byte_order_mark(self, tmp_path: Path) -> None:
		"""Editors on Windows write one."""
		folder = pack(tmp_path, 'a', {'locales/de/main.json': '\ufeff{"a": "ä"}'})

		assert translations([folder]) == {'de': {'a': 'ä'}}

	def test_packs_without_any(self, tmp_path: Path) -> None:
		"""Say nothing."""
		assert translations([pack(tmp_path, 'a', {}), tmp_path / 'gone']) == {}


class TestMerged:
	def test_objects_are_joined_and_others_replaced(self) -> None:
		"""An object and something else are no two halves. What came in stays as it was."""
		first: dict[str, JsonValue] = {'a': {'b': 1}, 'c': {'d': 1}, 'e': 1}
		joined = merged(first, {'a': {'x': 2}, 'c': 2, 'e': {'f': 3}})

		assert joined == {'a': {'b': 1, 'x': 2}, 'c': 2, 'e': {'f': 3}}
		assert first == {'a': {'b': 1}, 'c': {'d': 1}, 'e': 1}


class TestExamples:
	"""Example workflows."""

	def test_names_by_pack(self, tmp_path: Path) -> None:
		"""From each of the folders that packs use, without the ending; packs without any are left out."""
		folders = ('example_workflows', 'example', 'examples', 'workflow', 'workflows')
		files: dict[str, object] = {f'{folder}/of {folder}.json': {} for folder in folders}
		packs = [pack(tmp_path, 'a b', {**files, 'example/a.jpg': '', 'other/c.json': {}}), pack(tmp_path, 'c', {})]

		assert examples(packs) == {'a b': sorted(f'of {folder}' for folder in folders)}

	def test_files_are_found(self, tmp_path: Path) -> None:
		"""Workflows and their pictures, of that pack only, also in folders."""
		files = {'examples/a.json': {}, 'examples/a.jpg': '', 'example/sub/b.json': {}}
		packs = [pack(tmp_path, 'other', {'examples/c.json': {}}), pack(tmp_path, 'a', files)]

		for name in ('a.json', 'a.jpg', 'sub/b.json'):
			found = find_example(packs, 'a', name)
			assert found is not None
			assert found.name == name.rpartition('/')[2]
		for name in ('c.json', '../__init__.py', '..\\__init__.py', 'none.json', '', 'sub'):
			assert find_example(packs, 'a', name) is None
		assert find_example(packs, 'none', 'a.json') is None


class TestBlueprints:
	def test_ids_stay_and_differ(self, tmp_path: Path) -> None:
		"""An id is that of pack and name, not of content; broken files are left out."""
		graph: dict[str, object] = {'definitions': {'subgraphs': []}}
		packs = [
			pack(tmp_path, 'a', {'subgraphs/one.json': graph, 'subgraphs/two.json': graph, 'subgraphs/bad.json': '{'}),
			pack(tmp_path, 'b', {'subgraphs/one.json': graph}),
		]
		before = blueprints(packs)
		pack(tmp_path, 'a', {'subgraphs/one.json': {'changed': True}})
		after = blueprints(packs)

		assert sorted((item.pack, item.name) for item in before.values()) == [('a', 'one'), ('a', 'two'), ('b', 'one')]
		assert before.keys() == after.keys()
		assert {json.loads(item.data).get('changed') for item in after.values()} == {None, True}


class TestReplacements:
	def test_entries_of_all_packs(self, tmp_path: Path) -> None:
		"""In the order in which they come; what is no entry is left out."""
		packs = [
			pack(tmp_path, 'a', {'node_replacements.json': {'Old': [{'new_node_id': 'A'}, {}, 7], 'None': 'none'}}),
			pack(tmp_path, 'b', {'node_replacements.json': {'Old': [{'new_node_id': 'B', 'old_node_id': 'Older'}]}}),
			pack(tmp_path, 'c', {'node_replacements.json': '[1]'}),
			pack(tmp_path, 'd', {}),
		]
		found = replacements(packs)

		assert [(entry.new_node_id, entry.old_node_id) for entry in found.pop('Old')] == [('A', 'Old'), ('B', 'Older')]
		assert found == {}
