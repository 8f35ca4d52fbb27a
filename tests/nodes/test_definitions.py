"""Every built-in kind is declared as the ComfyUI class of its name, so that workflows pass both ways.

`definitions.json` holds facts of those classes, a kind on each line: asked of the classes themselves at versions 0.3.64
and 0.33.0. What a kind does otherwise on purpose stands in the tables below, with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.declaration import Choice, Growing, Input, NodeInfo, Number, Text, Toggle, Varying
from engine.runner import Runner
from engine.settings import Settings

KINDS: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / 'definitions.json').read_text())
MORE_INPUTS = {
	# Clients fill it in, though the class does not declare it.
	('CustomCombo', 'index'),
}
OPTIONAL_HERE = {
	# What a client's slider keeps; no workflow depends on it.
	('ImageCompare', 'compare_view'),
}
# Those families that are there.
SOME_OF = {('CLIPLoader', 'type'), ('DualCLIPLoader', 'type')}
# Version 0.33 tells of them at KSampler alone, though every list of samplers has them.
MORE_SAMPLERS = ['exp_heun_2_x0', 'exp_heun_2_x0_sde']
MORE_VARIANTS = {('SaveImageAdvanced', 'format')}
BRAND = {
	f'{folder}ComfyUI{end}': f'{folder}Lumengraph{end}'
	for folder, end in (
		('', ''),
		('latents/', ''),
		('checkpoints/', ''),
		('diffusion_models/', ''),
		('clip/', ''),
		('vae/', '_vae'),
	)
}


def infos() -> dict[str, NodeInfo]:
	"""The built-in kinds that ComfyUI has too."""
	runner = Runner(Settings(base=Path('/nonexistent')), lambda event: None)
	return {kind: spec.info for kind, spec in runner.kit.nodes.items() if kind in KINDS and not spec.info.foreign}


INFOS = infos()


def split(type_name: str) -> set[str]:
	"""The members of a union."""
	return set(type_name.split(','))


def wanted_type(facts: dict[str, Any]) -> str:
	"""A socket's type; one that only must match others is the union of what it allows."""
	if facts['type'] == 'COMFY_MATCHTYPE_V3':
		return str(facts['template']['allowed_types']) if 'template' in facts else ''
	return str(facts['type'])


def of_dialect(name: str, spec: list[Any]) -> dict[str, Any]:
	"""An input inside of another one, in the form of those outside."""
	facts = {'name': name, 'type': spec[0], **spec[1]}
	if spec[0] == 'COMBO':
		facts['choices'] = facts.pop('options')
	return facts


def differences(kind: str, where: str, item: Input, facts: dict[str, Any]) -> Iterator[str]:
	"""In what a declared input differs from the class's."""
	if split(item.type) != split(wanted_type(facts)):
		yield f'{where}: type {item.type}, not {wanted_type(facts)}'
	if bool(facts.get('lazy')) != item.lazy:
		yield f'{where}: lazy {item.lazy}'
	dynamic = item.dynamic
	if isinstance(dynamic, Growing):
		yield from growing(kind, where, dynamic, facts['template'])
	elif isinstance(dynamic, Varying):
		yield from varying(kind, where, dynamic, facts['options'])
	elif not item.options:
		yield from widget_differences(kind, where, item, facts)


def widget_differences(kind: str, where: str, item: Input, facts: dict[str, Any]) -> Iterator[str]:
	"""In what a declared widget differs from the class's."""
	match item.widget:
		case Number() as number:
			for bound in ('default', 'min', 'max', 'step', 'round'):
				there = facts.get(bound)
				if getattr(number, bound) != there and not (bound == 'step' and there == 1 and item.type == 'INT'):
					yield f'{where}: {bound} {getattr(number, bound)}, not {there}'
			if number.seed != bool(facts.get('control_after_generate')):
				yield f'{where}: seed {number.seed}'
			if number.display != facts.get('display', ''):
				yield f'{where}: display {number.display!r}'
		case Text() as text:
			default = facts.get('default', '')
			if text.default != BRAND.get(default, default):
				yield f'{where}: default {text.default!r}, not {default!r}'
			if text.multiline != bool(facts.get('multiline')):
				yield f'{where}: multiline {text.multiline}'
		case Toggle() as toggle:
			if toggle.default != bool(facts.get('default')):
				yield f'{where}: default {toggle.default}'
		case Choice() as choice:
			added = facts.get('choices_added', []) or (MORE_SAMPLERS if where == 'sampler_name' else [])
			listed = facts.get('choices', [])
			fits = list(choice.options) in (listed, [*listed, *added]) or (
				(kind, where) in SOME_OF and set(choice.options) <= {*listed, *added}
			)
			if not choice.files_from and not fits:
				yield f'{where}: options {choice.options}, not {facts.get("choices")}'
			# An optional choice without a default has its first one.
			if choice.default not in (facts.get('default'), facts.get('default') or (listed[:1] and listed[0])):
				yield f'{where}: default {choice.default!r}, not {facts.get("default")!r}'
		case None:
			if facts['type'] in ('INT', 'FLOAT', 'STRING', 'BOOLEAN', 'COMBO') and not facts.get('forceInput'):
				yield f'{where}: no widget'


def growing(kind: str, where: str, declared: Growing, template: dict[str, Any]) -> Iterator[str]:
	"""In what inputs that grow differ."""
	((name, spec),) = template['input']['required'].items()
	names = template.get('names') or [f'{template["prefix"]}{number}' for number in range(template['max'])]
	if list(declared.names) != names:
		yield f'{where}: names {declared.names}'
	if declared.min != template['min']:
		yield f'{where}: min {declared.min}'
	if declared.item.name != name:
		yield f'{where}: item {declared.item.name}'
	yield from differences(kind, f'{where}.{name}', declared.item, of_dialect(name, spec))


def varying(kind: str, where: str, declared: Varying, options: list[dict[str, Any]]) -> Iterator[str]:
	"""In what inputs that belong to a choice differ."""
	keys = [variant.key for variant in declared.variants]
	there = [option['key'] for option in options]
	if (keys[: len(there)] if (kind, where) in MORE_VARIANTS else keys) != there:
		yield f'{where}: keys {keys}, not {there}'
	for variant, option in zip(declared.variants, options, strict=False):
		specs = {**option['inputs']['required'], **option['inputs'].get('optional', {})}
		if [item.name for item in variant.inputs] != list(specs):
			yield f'{where}.{variant.key}: inputs {[item.name for item in variant.inputs]}'
		for item in variant.inputs:
			if item.name in specs:
				at = f'{where}.{variant.key}.{item.name}'
				yield from differences(kind, at, item, of_dialect(item.name, specs[item.name]))


def input_differences(kind: str, info: NodeInfo, facts: dict[str, Any]) -> Iterator[str]:
	"""In what the inputs differ: their names, whether they are needed, and each for itself."""
	there = {item['name']: item for item in facts['inputs']}
	added = {item['name']: item for item in facts.get('inputs_added_0.33', ())}
	names = [item.name for item in info.inputs if (kind, item.name) not in MORE_INPUTS and item.name not in added]
	# An optional input may stand anywhere: workflows name inputs.
	if [name for name in names if name in there] != list(there) or set(names) != set(there):
		yield f'inputs {names}, not {list(there)}'
	for item in info.inputs:
		found = there.get(item.name) or added.get(item.name)
		if found is None:
			continue
		entry = dict(found, choices_added=facts.get('choices_added_0.33', {}).get(item.name, []))
		# What only the newer version has cannot be asked of older workflows.
		needed = entry.get('in') != 'optional' and item.name in there and (kind, item.name) not in OPTIONAL_HERE
		if item.required != needed:
			yield f'{item.name}: required {item.required}'
		yield from differences(kind, item.name, item, entry)


def output_differences(info: NodeInfo, facts: dict[str, Any]) -> Iterator[str]:
	"""In what the outputs differ from both versions."""
	declared = [(output.name, output.is_list) for output in info.outputs]
	versions = [facts['outputs'], facts.get('outputs_0.33', facts['outputs'])]
	if declared not in [[(entry['name'], entry.get('list', False)) for entry in entries] for entries in versions]:
		yield f'outputs {declared}, not {versions[0]}'
		return
	entries = versions[0] if len(versions[0]) == len(declared) else versions[1]
	for output, entry in zip(info.outputs, entries, strict=True):
		if wanted_type(entry) and split(output.type) != split(wanted_type(entry)):
			yield f'output {output.name}: type {output.type}, not {entry["type"]}'


class TestDefinitions:
	"""Kind by kind, so that each difference is told."""

	def test_there_are_many(self) -> None:
		"""The kinds are looked up in the kit; an empty one would pass all else."""
		assert len(INFOS) > 100

	@pytest.mark.parametrize('kind', sorted(INFOS))
	def test_kind_is_declared_as_its_class(self, kind: str) -> None:
		"""Inputs with types, defaults, bounds and choices; outputs; category, title, flags, and whether it is a sink."""
		info, facts = INFOS[kind], KINDS[kind]
		told = [*input_differences(kind, info, facts), *output_differences(info, facts)]
		if info.category != facts['category']:
			told.append(f'category {info.category!r}, not {facts["category"]!r}')
		if info.title != facts['display_name']:
			told.append(f'title {info.title!r}, not {facts["display_name"]!r}')
		if info.sink != facts['output_node']:
			told.append(f'sink {info.sink}')
		for flag in ('deprecated', 'experimental'):
			if getattr(info, flag) != facts.get(flag, False):
				told.append(f'{flag} {getattr(info, flag)}')

		assert not told
