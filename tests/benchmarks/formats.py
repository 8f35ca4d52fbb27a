"""How long workflow files take to read and to write: `python -m tests.benchmarks.formats [NODES]`.

The file is of the form that ComfyUI's editor saves: nodes in rows, each linked to the one before, every tenth bypassed and
every tenth a reroute. Times are of this machine, the best of several rounds, from bytes to bytes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from engine.formats.convert import converted
from engine.formats.workflow import Form, parse_json, read_workflow
from engine.runner import Runner
from engine.settings import Settings
from tests.benchmarks.engine import best

NODES = 5000
FORMS: tuple[Form, ...] = ('native', 'api', 'editor')
ROW = 50


def document(count: int) -> bytes:
	"""An editor's file of so many nodes."""
	nodes: list[object] = []
	links: list[object] = []
	for id in range(count):
		kind = 'LoadImage' if id % ROW == 0 else 'Reroute' if id % 10 == 5 else 'ImageScaleBy'
		inputs = [] if kind == 'LoadImage' else [{'name': 'image', 'type': 'IMAGE', 'link': id}]
		if inputs:
			links.append([id, id - 1, 0, id, 0, 'IMAGE'])
		nodes.append(
			{
				'id': id,
				'type': kind,
				'pos': [id % ROW * 400, id // ROW * 200],
				'size': [315, 82],
				'flags': {},
				'order': id,
				'mode': 4 if id % 10 == 9 else 0,
				'inputs': inputs,
				'outputs': [{'name': 'IMAGE', 'type': 'IMAGE', 'links': [id + 1]}],
				'properties': {'Node name for S&R': kind},
				'widgets_values': ['a.png', 'image'] if kind == 'LoadImage' else ['area', 0.5],
			}
		)
	return json.dumps({'last_node_id': count, 'nodes': nodes, 'links': links, 'version': 0.4}).encode()


def main(count: int) -> None:
	"""Print what reading and each way of writing take."""
	runner = Runner(Settings(base=Path('/nonexistent')), lambda event: None)
	infos = runner.kit.nodes.infos
	content = document(count)
	workflow = read_workflow(parse_json(content), infos)

	def writing(form: Form) -> Callable[[], object]:
		return lambda: json.dumps(converted(workflow, form, infos))

	print(f'{count} nodes, {len(content) / 2**20:.1f} MiB of JSON')
	print(f'  read            {best(lambda: read_workflow(parse_json(content), infos)):7.3f} s')
	for form in FORMS:
		print(f'  write {form:<9} {best(writing(form)):7.3f} s')
	drawn = read_workflow(converted(workflow, 'api', infos), infos)
	print(f'  draw anew       {best(lambda: json.dumps(converted(drawn, "editor", infos))):7.3f} s')
	runner.close()


if __name__ == '__main__':
	main(int(sys.argv[1]) if len(sys.argv) > 1 else NODES)
