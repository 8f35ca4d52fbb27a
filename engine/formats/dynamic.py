"""Dynamic prompts: `a {red|green} circle` becomes one of its variants each time that a workflow is queued.

ComfyUI's editor does this as it makes an API prompt of its canvas, for text widgets that ask for it. So it is done here for
files of the editor form, as they are run; other forms are run as they are written.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from itertools import pairwise

from engine.declaration import NodeInfo, Text
from engine.formats.workflow import Workflow
from engine.graph import Constant, Graph, NodeId

COMMENT = re.compile(r'/\*[\s\S]*?\*/|//.*')
ESCAPED = re.compile(r'\\([{}|])')
DEEPEST = 50


def with_choices(graph: Graph, nodes: Mapping[str, NodeInfo], source: random.Random) -> Graph:
	"""The graph with one variant of each text that has several; `source` chooses."""
	changes: dict[NodeId, dict[str, Constant]] = {}
	for node, call in graph.calls.items():
		info = nodes.get(call.kind)
		for item in info.inputs if info is not None else ():
			argument = call.inputs.get(item.name)
			if isinstance(item.widget, Text) and item.widget.dynamic_prompts and isinstance(argument, Constant):
				text = argument.value
				if isinstance(text, str) and (chosen := choose(text, source)) != text:
					changes.setdefault(node, {})[item.name] = Constant(chosen)
	return graph.with_inputs(changes) if changes else graph


def choose(text: str, source: random.Random) -> str:
	"""One variant of a text. Comments (`//`, `/* */`) are left out; `\\{`, `\\|` and `\\}` are the signs themselves."""
	return ESCAPED.sub(r'\1', _chosen(COMMENT.sub('', text), source, 0))


def _chosen(text: str, source: random.Random, depth: int) -> str:
	ends, bars = _braces(text)
	parts: list[str] = []
	at = 0
	while at < len(text):
		if text[at] == '\\':
			parts.append(text[at : at + 2])
			at += 2
		elif at in ends and depth < DEEPEST:
			cuts = [at, *bars[at], ends[at]]
			begin, end = source.choice(list(pairwise(cuts)))
			parts.append(_chosen(text[begin + 1 : end], source, depth + 1))
			at = ends[at] + 1
		else:
			parts.append(text[at])
			at += 1
	return ''.join(parts)


def _braces(text: str) -> tuple[dict[int, int], dict[int, list[int]]]:
	"""Where each opening brace closes, and the bars between the variants in it. Braces that never close are left out."""
	ends: dict[int, int] = {}
	bars: dict[int, list[int]] = {}
	opened: list[int] = []
	skipped = False
	for at, sign in enumerate(text):
		if skipped:
			skipped = False
		elif sign == '\\':
			skipped = True
		elif sign == '{':
			opened.append(at)
			bars[at] = []
		elif sign == '}' and opened:
			ends[opened.pop()] = at
		elif sign == '|' and opened:
			bars[opened[-1]].append(at)
	return ends, bars


def chosen_graph(workflow: Workflow, nodes: Mapping[str, NodeInfo], source: random.Random) -> Graph:
	"""The graph of a workflow as it is to be run now: of the editor form, with one variant of each dynamic prompt."""
	return with_choices(workflow.graph, nodes, source) if workflow.form == 'editor' else workflow.graph
