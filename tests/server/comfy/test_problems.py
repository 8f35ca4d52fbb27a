"""Problems as ComfyUI's clients are told them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.declaration import Choice, Input, NodeInfo, Number
from engine.graph import Graph, NodeId
from engine.problems import Checked, Problem
from engine.settings import Settings
from engine.storage import Storage
from server.comfy.problems import node_errors
from server.schemas.prompt import Reason

INFO = NodeInfo(
	kind='Take',
	title='Take',
	category='test',
	inputs=(
		Input(name='count', type='INT', widget=Number()),
		Input(name='options', type='COMBO', widget=Choice(options=(1, 'x', 2.5))),
		Input(name='vae', type='VAE'),
	),
)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
	"""Empty folders."""
	return Storage.of(Settings(base=tmp_path))


def told(problem: Problem, storage: Storage) -> Reason:
	"""The one reason that a problem becomes."""
	checked = Checked(Graph({}), (problem,), (NodeId('1'),), ())
	[reason] = node_errors(checked, {'Take': INFO}, storage)['1'].errors
	return reason


class TestValidators:
	def test_the_nodes_words_are_in_the_details(self, storage: Storage) -> None:
		"""Behind the input's name, with the value that was refused."""
		problem = Problem(
			code='custom_validation_failed', node='1', kind='Take', input='count', received='must be even', value=5
		)
		reason = told(problem, storage)

		assert reason.type == 'custom_validation_failed'
		assert reason.details == 'count: must be even'
		assert reason.extra_info.input_name == 'count'
		assert reason.extra_info.received_value == 5

	def test_without_an_input(self, storage: Storage) -> None:
		"""A node that was given nothing can still refuse."""
		problem = Problem(code='custom_validation_failed', node='1', kind='Take', received='needs something')
		reason = told(problem, storage)

		assert reason.details == 'needs something'
		assert reason.extra_info.input_name is None

	def test_a_broken_file(self, storage: Storage) -> None:
		"""What the checker itself finds says what was expected too."""
		problem = Problem(
			code='custom_validation_failed',
			node='1',
			kind='Take',
			input='vae',
			expected='a readable model file',
			received="'a.pt': it is empty",
		)

		assert told(problem, storage).details == "vae: expected a readable model file, got 'a.pt': it is empty"


class TestLinks:
	def test_what_is_known_of_models_is_a_mismatch(self, storage: Storage) -> None:
		"""Types and facts that do not agree are told as a link of the wrong type, with the linked node."""
		problem = Problem(
			code='return_type_mismatch',
			node='1',
			kind='Take',
			input='vae',
			expected="channels 16 as 'samples' brings (EmptySD3LatentImage '5')",
			received="4 from 'a.safetensors' (CheckpointLoaderSimple '4')",
			value='VAE',
			source=('4', 2),
		)
		reason = told(problem, storage)

		assert reason.type == 'return_type_mismatch'
		assert reason.details.startswith('vae: expected channels 16')
		assert reason.details.endswith("(CheckpointLoaderSimple '4')")
		assert reason.extra_info.received_type == 'VAE'
		assert reason.extra_info.linked_node == ('4', 2)

	def test_an_undeclared_input(self, storage: Storage) -> None:
		"""Of an input that nobody declared only the name is known."""
		problem = Problem(
			code='bad_linked_input',
			node='1',
			kind='Take',
			input='more',
			expected='a link to a node',
			received="there is no node '9'",
		)
		reason = told(problem, storage)

		assert reason.details == "more: there is no node '9'"
		assert reason.extra_info.model_fields_set == {'input_name'}


class TestChoices:
	def test_options_of_all_kinds(self, storage: Storage) -> None:
		"""Numbers and text are listed as they are."""
		problem = Problem(code='value_not_in_list', node='1', kind='Take', input='options', value='z')

		assert told(problem, storage).details == "options: 'z' not in [1, 'x', 2.5]"
