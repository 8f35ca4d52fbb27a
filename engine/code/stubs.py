"""Types for every installed kind of node: a stub of `engine.code` whose `Workflow` has a typed method for each.

Written to `typings/engine/code/`, where Pylance and Pyright look by themselves; mypy finds it with `mypy_path = typings`.
Editors then complete kinds, inputs and choices, and a CLIP that is put into a MODEL input is an error before anything
runs.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from engine import code
from engine.code.drawn import write_file
from engine.code.handles import ANY, KNOWN, class_name, field_names
from engine.code.workflow import BaseWorkflow
from engine.declaration import Choice, Growing, Input, NodeInfo, Output, Varying

HEAD = '''"""Types of the nodes that are installed here, written by `lumengraph stubs`; written anew when packs change."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

'''
PLAIN = {'INT': 'int', 'FLOAT': 'float', 'STRING': 'str', 'BOOLEAN': 'bool'}
MOST_OPTIONS = 300
"""Of a choice with more, any text passes."""


def write_stubs(folder: Path, nodes: Sequence[NodeInfo]) -> Path:
	"""Write the stub below a folder; gives its path."""
	path = folder / 'engine' / 'code' / '__init__.pyi'
	path.parent.mkdir(parents=True, exist_ok=True)
	# Type checkers take a package in a package only if the outer one is there.
	write_file(path.parents[1] / '__init__.pyi', '')
	write_file(path, stub_text(nodes))
	return path


def stub_text(nodes: Sequence[NodeInfo]) -> str:
	"""The stub of `engine.code` for these kinds."""
	callable_kinds = [info for info in nodes if _is_callable(info.kind)]
	own = sorted({socket for info in callable_kinds for socket in _sockets(info)} - set(KNOWN) - {ANY})
	sources: dict[str, list[str]] = {}
	for name in code.__all__:
		if name != 'Workflow':
			sources.setdefault(getattr(code, name).__module__, []).append(name)
	lines = [
		*(
			f'from {module} import {", ".join(f"{name} as {name}" for name in names)}'
			for module, names in sources.items()
		),
		f'from {BaseWorkflow.__module__} import BaseWorkflow',
		'',
	]
	lines += [f'class {name}(Handle[object]): ...' for name in sorted({*map(class_name, own), 'Combo'})]
	for info in callable_kinds:
		if len(info.outputs) > 1:
			lines += ['', f'class {_outputs_name(info)}(NamedTuple):', *_fields(info.outputs)]
	lines += ['', 'class Workflow(BaseWorkflow):', *(line for info in callable_kinds for line in _method(info))]
	return HEAD + '\n'.join(lines) + '\n'


def _is_callable(kind: str) -> bool:
	return kind.isidentifier() and not keyword.iskeyword(kind) and not hasattr(BaseWorkflow, kind)


def _sockets(info: NodeInfo) -> Iterator[str]:
	"""Every single socket type of a kind."""
	for type in (*(item.type for item in _flat(info.inputs)), *(output.type for output in info.outputs)):
		yield from (part.strip() for part in type.split(',') if part.strip())


def _flat(inputs: Iterable[Input]) -> Iterator[Input]:
	for item in inputs:
		match item.dynamic:
			case Growing(item=inner):
				yield inner
			case Varying():
				pass
			case _:
				yield item


def _outputs_name(info: NodeInfo) -> str:
	return f'_{info.kind}Outputs'


def _fields(outputs: Sequence[Output]) -> Iterator[str]:
	names = field_names(output.name for output in outputs)
	return (f'\t{name}: {_output_type(output)}' for name, output in zip(names, outputs, strict=True))


def _method(info: NodeInfo) -> Iterator[str]:
	parameters = [
		f'{item.name}: {_input_type(item)}{"" if _is_needed(item) else " = ..."}'
		for item in info.inputs
		if _is_parameter(item.name)
	]
	parameters += ["_id: str = ''", "_title: str = ''"]
	if info.open_inputs != 'no' or not all(_is_parameter(item.name) for item in info.inputs):
		parameters.append('**more: Any')
	yield f'\tdef {info.kind}('
	yield '\t\tself,'
	yield '\t\t*,'
	yield from (f'\t\t{parameter},' for parameter in parameters)
	yield f'\t) -> {_result(info)}:'
	yield f'\t\t{_quoted(info)}'


def _quoted(info: NodeInfo) -> str:
	told = [info.description, *(f'{item.name}: {item.tooltip}' for item in info.inputs if item.tooltip)]
	text = '\n\n\t\t'.join(part for part in told if part).replace('\\', '\\\\').replace('"""', "'''")
	return f'"""{text} """' if text else '...'


def _is_parameter(name: str) -> bool:
	return name.isidentifier() and not keyword.iskeyword(name) and name not in ('self', '_id', '_title', 'more')


def _is_needed(item: Input) -> bool:
	return item.required and item.widget is None


def _result(info: NodeInfo) -> str:
	match info.outputs:
		case ():
			return 'Node'
		case (output,):
			return _output_type(output)
		case _:
			return _outputs_name(info)


def _output_type(output: Output) -> str:
	if output.generic or output.type == ANY or ',' in output.type or not output.type:
		return 'Any'
	return class_name(output.type)


def _input_type(item: Input) -> str:
	optional = '' if item.required else ' | None'
	match item.dynamic:
		case Growing(item=inner):
			one = _input_type(inner.model_copy(update={'required': True}))
			return f'Sequence[{one}] | Mapping[str, {one}]{optional}'
		case Varying(variants=variants):
			keys = f'Literal[{", ".join(repr(variant.key) for variant in variants)}]'
			return f'{keys} | tuple[{keys}, Mapping[str, Any]]{optional}'
	members: list[str] = []
	for type in item.type.split(','):
		members += _members(type.strip(), item)
	return ' | '.join(dict.fromkeys(members)) + optional if 'object' not in members else 'object'


def _members(type: str, item: Input) -> list[str]:
	"""What may be given to an input of a socket type: handles, and plain values where there is a widget."""
	match type:
		case '*' | '':
			return ['object']
		case 'COMBO':
			return [*_options(item.widget), 'String', 'Combo']
		case 'INT' | 'FLOAT' | 'STRING' | 'BOOLEAN':
			return [PLAIN[type], class_name(type), *(['Combo'] if type == 'STRING' else [])]
		case _:
			return [class_name(type)] if item.widget is None and not item.options else ['object']


def _options(widget: object) -> list[str]:
	if not isinstance(widget, Choice):
		return ['str']
	options = widget.options
	is_told = options and len(options) <= MOST_OPTIONS and not (widget.open or widget.files_from)
	if not is_told or any(isinstance(option, float) for option in options):
		return ['list[Any]', 'Any'] if widget.several else ['str', 'float']
	literal = f'Literal[{", ".join(map(repr, options))}]'
	return [f'list[{literal}]', literal] if widget.several else [literal]
