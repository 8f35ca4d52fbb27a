"""Declarations as entries of /object_info."""

from __future__ import annotations

import json
from typing import Any

from engine.declaration import Choice, Growing, Input, NodeInfo, Number, Output, Text, Variant, Varying
from server.comfy.object_info import object_info


def entry(**fields: object) -> dict[str, Any]:
	"""The entry of a declaration with these fields, as it is sent."""
	node = NodeInfo.model_validate({'kind': 'A', 'title': 'An A', 'category': 'test', **fields})
	sent: dict[str, Any] = json.loads(object_info([node]).model_dump_json(exclude_none=True))['A']
	return sent


class TestNode:
	"""What is said of a node as a whole."""

	def test_flags(self) -> None:
		"""Lists, age, maturity and origin are told as they are declared."""
		told = entry(
			input_is_list=True,
			deprecated=True,
			experimental=True,
			origin='custom_nodes.pack',
			outputs=(Output(name='all', type='IMAGE', is_list=True),),
		)

		assert (told['is_input_list'], told['deprecated'], told['experimental']) == (True, True, True)
		assert told['output_is_list'] == [True]
		assert told['python_module'] == 'custom_nodes.pack'

	def test_hidden_inputs(self) -> None:
		"""Whatever a node calls them, their kinds have the names that front ends know."""
		told = entry(hidden={'graph': 'dynprompt', 'me': 'unique_id', 'key': 'api_key_comfy_org'})

		assert told['input']['hidden'] == {'graph': 'DYNPROMPT', 'me': 'UNIQUE_ID', 'key': 'API_KEY_COMFY_ORG'}
		assert told['input_order']['hidden'] == ['graph', 'me', 'key']


class TestInputs:
	"""What is said of inputs."""

	def test_inputs_that_grow(self) -> None:
		"""A template of each, with its names or their prefix."""
		item = Input(name='value', type='INT', widget=Number(min=1))
		inputs = (
			Input(name='a', type='COMFY_AUTOGROW_V3', dynamic=Growing(item=item, names=('x', 'y'), min=1)),
			Input(
				name='b',
				type='COMFY_AUTOGROW_V3',
				dynamic=Growing(item=item, names=('value0', 'value1'), prefix='value'),
			),
		)
		told = entry(inputs=inputs)['input']['required']
		each = {'required': {'value': ['INT', {'min': 1}]}}

		assert told['a'] == ['COMFY_AUTOGROW_V3', {'template': {'input': each, 'names': ['x', 'y'], 'min': 1}}]
		assert told['b'] == [
			'COMFY_AUTOGROW_V3',
			{'template': {'input': each, 'prefix': 'value', 'max': 2, 'min': 0}},
		]

	def test_inputs_that_vary(self) -> None:
		"""Keys, each with its inputs; a choice among them is a COMBO."""
		choice = Input(name='crop', type='COMBO', widget=Choice(options=('no', 'yes'), default='no'))
		spare = Input(name='spare', type='IMAGE', required=False)
		variants = (Variant(key='one', inputs=(choice, spare)), Variant(key='two'))
		told = entry(inputs=(Input(name='size', type='COMFY_DYNAMICCOMBO_V3', dynamic=Varying(variants=variants)),))

		assert told['input']['required']['size'] == [
			'COMFY_DYNAMICCOMBO_V3',
			{
				'options': [
					{
						'key': 'one',
						'inputs': {
							'required': {'crop': ['COMBO', {'default': 'no', 'options': ['no', 'yes']}]},
							'optional': {'spare': ['IMAGE', {}]},
						},
					},
					{'key': 'two', 'inputs': {'required': {}}},
				]
			},
		]

	def test_colours(self) -> None:
		"""A number that is shown as a colour says so."""
		told = entry(inputs=(Input(name='a', type='INT', widget=Number(display='color')),))

		assert told['input']['required']['a'] == ['INT', {'display': 'color'}]

	def test_lazy_and_raw_links(self) -> None:
		"""They are options, and told only where they hold."""
		inputs = (
			Input(name='a', type='IMAGE', lazy=True),
			Input(name='b', type='IMAGE', raw_link=True),
			Input(name='c', type='IMAGE'),
		)

		assert entry(inputs=inputs)['input']['required'] == {
			'a': ['IMAGE', {'lazy': True}],
			'b': ['IMAGE', {'rawLink': True}],
			'c': ['IMAGE', {}],
		}

	def test_choices_that_are_no_text(self) -> None:
		"""Numbers and switches keep their type."""
		choice = Input(name='n', type='COMBO', widget=Choice(options=(1, 2.5, True, 'x'), default=1))

		assert entry(inputs=(choice,))['input']['required'] == {'n': [[1, 2.5, True, 'x'], {'default': 1}]}

	def test_foreign_options_pass_untouched(self) -> None:
		"""An author's options are sent as written, unknown keys and nulls included; nothing is added to them."""
		options = {'default': 3, 'min': -1, 'display': 'slider', 'my_plugin': {'deep': [None]}, 'nothing': None}
		inputs = (
			Input(name='n', type='INT', widget=Number(default=3, min=-1), options=options),
			Input(name='t', type='STRING', widget=Text(), required=False),
		)
		told = entry(inputs=inputs, foreign=True)

		assert told['input']['required'] == {'n': ['INT', options]}
		assert told['input']['optional'] == {'t': ['STRING', {}]}

	def test_foreign_choices_in_both_forms(self) -> None:
		"""Written as a list they are one; written as a COMBO with options they stay so."""
		old = Input(name='old', type='COMBO', widget=Choice(options=('a', 2)), options={'default': 'a'})
		new = Input(name='new', type='COMBO', widget=Choice(options=('a',)), options={'options': ['a'], 'x': 1})

		assert entry(inputs=(old, new), foreign=True)['input']['required'] == {
			'old': [['a', 2], {'default': 'a'}],
			'new': ['COMBO', {'options': ['a'], 'x': 1}],
		}
