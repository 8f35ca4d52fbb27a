from typing import Any

import pytest

from engine.declaration import Choice, Input, NodeInfo, Number, Text, Toggle, Validator
from nodes.comfy.declare import declare, plain_type
from nodes.comfy.shims.comfy.comfy_types import IO
from tests.nodes.comfy.conftest import Host


def info(inputs: dict[str, Any] | None = None, **attributes: object) -> NodeInfo:
	"""The declaration of a class with these inputs and attributes."""
	members = {'INPUT_TYPES': classmethod(lambda cls: inputs or {}), 'RETURN_TYPES': (), **attributes}
	return declare('Kind', type('Kind', (), members), title='Title', origin='pack', code='c0de')


def only(entry: object) -> Input:
	"""The one required input that is declared so."""
	return info({'required': {'value': entry}}).inputs[0]


class TestWidgets:
	def test_numbers(self) -> None:
		"""Bounds, step and rounding; what is no number is left out."""
		found = only(('FLOAT', {'default': 0.5, 'min': 0, 'max': 1.0, 'step': 0.1, 'round': False}))

		assert found.widget == Number(default=0.5, min=0, max=1.0, step=0.1)
		assert only(('INT',)).widget == Number()

	def test_text_and_toggle(self) -> None:
		"""With what the editor needs."""
		assert only(('STRING', {'multiline': True, 'dynamicPrompts': True, 'default': 'a'})).widget == Text(
			default='a', multiline=True, dynamic_prompts=True
		)
		assert only(('BOOLEAN', {'default': True})).widget == Toggle(default=True)

	def test_choices_keep_their_types(self, host: Host) -> None:
		"""A list of anything is a COMBO; remote ones are open, and of some several may be chosen."""
		found = host.kit.nodes['TestingChoices'].info.inputs_by_name
		widgets = {name: item.widget for name, item in found.items()}

		assert {item.type for item in found.values()} == {'COMBO'}
		assert repr(widgets['value']).count('(1, 2.5, True, ') == 1
		assert widgets['remote'] == Choice(open=True)
		assert widgets['several'] == Choice(options=('a', 'b'), several=True)
		assert widgets['file'] == Choice(options=('a.png',), upload=True)

	def test_a_forced_input_has_no_widget(self) -> None:
		"""Nor has one of a type that is not typed in."""
		assert only(('INT', {'forceInput': True})).widget is None
		assert only(('IMAGE',)).widget is None

	def test_options_pass_through(self) -> None:
		"""As JSON, unknown ones too."""
		found = only(('INT', {'odd': {'kept': (1, {2})}, 'tooltip': 'Tip', 'lazy': True, 'rawLink': True}))

		assert found.options == {'odd': {'kept': [1, [2]]}, 'tooltip': 'Tip', 'lazy': True, 'rawLink': True}
		assert (found.tooltip, found.lazy, found.raw_link) == ('Tip', True, True)


class TestTypes:
	def test_a_str_that_is_never_unequal_is_any(self, host: Host) -> None:
		"""It is asked by `!=`; all types are plain strings."""
		found = host.kit.nodes['TestingAny'].info

		assert found.inputs[0].type == found.outputs[0].type == '*'
		assert type(found.inputs[0].type) is str

	@pytest.mark.parametrize(('member', 'name'), [(IO.ANY, '*'), (IO.IMAGE, 'IMAGE'), (IO.NUMBER, 'FLOAT,INT')])
	def test_members_of_io_are_their_names(self, member: IO, name: str) -> None:
		"""An enumeration of strings is common, too."""
		assert plain_type(member) == name
		assert type(plain_type(member)) is str

	def test_output_names_default_to_the_types(self) -> None:
		"""A list as an output's type is a COMBO."""
		found = info(
			RETURN_TYPES=('IMAGE', ['a']), RETURN_NAMES=('x',), OUTPUT_IS_LIST=(False, True), OUTPUT_TOOLTIPS=('t',)
		).outputs

		assert [(item.name, item.type, item.is_list, item.tooltip) for item in found] == [
			('x', 'IMAGE', False, 't'),
			('COMBO', 'COMBO', True, ''),
		]


class TestFlags:
	def test_attributes(self) -> None:
		"""Of all that a class says about itself."""
		found = info(
			OUTPUT_NODE=True,
			NOT_IDEMPOTENT=True,
			INPUT_IS_LIST=True,
			DEPRECATED=True,
			EXPERIMENTAL=True,
			SEARCH_ALIASES=['other'],
			CATEGORY='a/b',
			DESCRIPTION='Does it.',
		)

		assert (found.sink, found.caching, found.input_is_list, found.foreign) == (True, 'identity', True, True)
		assert (found.deprecated, found.experimental, found.aliases) == (True, True, ('other',))
		assert (found.title, found.category, found.description, found.code) == ('Title', 'a/b', 'Does it.', 'c0de')

	def test_hidden_inputs(self, host: Host) -> None:
		"""Unknown ones are ignored."""
		assert host.kit.nodes['TestingHidden'].info.hidden == {
			'node': 'unique_id',
			'graph': 'prompt',
			'info': 'extra_pnginfo',
			'live': 'dynprompt',
		}

	def test_a_mapping_that_answers_for_any_name(self, host: Host) -> None:
		"""It shows its declared inputs, and takes all; other classes take undeclared links only."""
		found = host.kit.nodes['TestingUndeclared'].info

		assert (found.open_inputs, list(found.inputs_by_name)) == ('all', ['first'])
		assert host.kit.nodes['TestingInt'].info.open_inputs == 'links'

	@pytest.mark.parametrize(
		('kind', 'validator'),
		[
			('TestingValidateValue', Validator(inputs=('value',))),
			('TestingValidateAll', Validator(all_inputs=True)),
			('TestingValidateTypes', Validator(types=True)),
			('TestingInt', None),
		],
	)
	def test_validators_tell_what_they_judge(self, host: Host, kind: str, validator: Validator | None) -> None:
		"""By the names of their parameters."""
		assert host.kit.nodes[kind].info.validator == validator
