"""`lumengraph nodes`: the kinds of nodes as text."""

from __future__ import annotations

import difflib

from engine.declaration import Choice, Input, NodeInfo, Number
from engine.errors import NotFound
from engine.runner import Runner

SHOWN_OPTIONS = 12


def listing(runner: Runner) -> str:
	"""Every kind with the first line of its description, by category."""
	width = max(len(info.kind) for info in runner.nodes)
	lines: list[str] = []
	category = None
	for info in sorted(runner.nodes, key=lambda info: (info.category, info.kind)):
		if info.category != category:
			category = info.category
			lines.append(f'{"" if not lines else chr(10)}{category}')
		lines.append(f'  {info.kind:<{width}}  {info.description.partition(chr(10))[0]}')
	return '\n'.join(lines)


def describe(runner: Runner, kind: str) -> str:
	"""One kind with its inputs and outputs; `NotFound` if there is none."""
	infos = {info.kind: info for info in runner.storage.described(runner.nodes)}
	info = infos.get(kind)
	if info is None:
		near = difflib.get_close_matches(kind, infos, n=1)
		raise NotFound(f'There is no node kind {kind!r}.' + (f' Did you mean {near[0]!r}?' if near else ''))
	lines = [f'{info.kind}: {info.title} ({info.category})', '', info.description, '', 'inputs']
	lines += [f'  {_input(item)}' for item in info.inputs] or ['  none']
	lines += ['outputs', *(_outputs(info) or ['  none'])]
	return '\n'.join(lines)


def _outputs(info: NodeInfo) -> list[str]:
	return [f'  {output.name}: {output.type}' for output in info.outputs]


def _input(item: Input) -> str:
	widget = item.widget
	extra = ''
	if isinstance(widget, Number):
		extra = f' {widget.min} … {widget.max}' if widget.min is not None and widget.max is not None else ''
		extra += f', default {widget.default}' if widget.default is not None else ''
	elif isinstance(widget, Choice):
		rest = ' …' if len(widget.options) > SHOWN_OPTIONS else ''
		extra = f' [{", ".join(map(str, widget.options[:SHOWN_OPTIONS]))}{rest}]'
	optional = '' if item.required else ' (optional)'
	tooltip = f'  {item.tooltip}' if item.tooltip else ''
	return f'{item.name}: {item.type}{extra}{optional}{tooltip}'
