"""Declarations of ComfyUI's classes, made from the facts in `definitions.json`: enough to read workflows of theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from engine.declaration import Choice, Growing, Input, NodeInfo, Number, Output, Text, Toggle, Variant, Varying, Widget

HERE = Path(__file__).parent
FACTS = (HERE.parents[1] / 'nodes' / 'definitions.json', HERE / 'more_definitions.json')


@cache
def infos() -> Mapping[str, NodeInfo]:
	"""All declarations, by kind."""
	facts: dict[str, dict[str, Any]] = {}
	for path in FACTS:
		facts.update(json.loads(path.read_text()))
	return {kind: info_of(kind, body) for kind, body in facts.items()}


def info_of(kind: str, facts: Mapping[str, Any]) -> NodeInfo:
	"""The declaration of one class."""
	return NodeInfo(
		kind=kind,
		title=facts.get('display_name') or kind,
		category='',
		inputs=tuple(input_of(item) for item in facts['inputs']),
		outputs=tuple(
			Output(name=item.get('name') or item['type'], type=item['type']) for item in facts.get('outputs', ())
		),
		sink=bool(facts.get('output_node')),
	)


def input_of(facts: Mapping[str, Any]) -> Input:
	"""One input, with its widget."""
	dynamic: Growing | Varying | None = None
	if facts['type'] == 'COMFY_AUTOGROW_V3':
		template = facts['template']
		names = template.get('names') or [f'{template["prefix"]}{number}' for number in range(template['max'])]
		dynamic = Growing(item=next(inputs_of(template['input'])), names=tuple(names), min=template['min'])
	elif facts['type'] == 'COMFY_DYNAMICCOMBO_V3':
		dynamic = Varying(
			variants=tuple(
				Variant(key=option['key'], inputs=tuple(inputs_of(option['inputs']))) for option in facts['options']
			)
		)
	return Input(
		name=facts['name'],
		type=facts['type'],
		widget=widget_of(facts),
		required=facts.get('in') != 'optional',
		dynamic=dynamic,
		options={name: facts[name] for name in ('control_after_generate', 'forceInput', 'widgetType') if name in facts},
	)


def inputs_of(groups: Mapping[str, Mapping[str, Any]]) -> Iterator[Input]:
	"""Inputs that stand inside of another's options."""
	for where, group in groups.items():
		for name, (type, *options) in group.items():
			told = dict(options[0]) if options else {}
			if type == 'COMBO':
				told['choices'] = told.pop('options', [])
			yield input_of({'name': name, 'type': type, 'in': where, **told})


def widget_of(facts: Mapping[str, Any]) -> Widget | None:
	"""The widget of a type that has one."""
	if facts.get('forceInput'):
		return None
	default = facts.get('default')
	match facts['type']:
		case 'INT' | 'FLOAT':
			return Number(default=default, min=facts.get('min'), max=facts.get('max'))
		case 'STRING':
			return Text(default=default or '')
		case 'BOOLEAN':
			return Toggle(default=bool(default))
		case 'COMBO':
			uploads = any(facts.get(name) for name in ('image_upload', 'file_upload', 'audio_upload', 'video_upload'))
			return Choice(options=tuple(facts.get('choices', ())), default=default, upload=uploads)
		case _:
			return None
