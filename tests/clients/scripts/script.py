"""What a user of comfy-script does: URL, workflow and folder come in, pictures and a report go out."""

import json
import sys
import threading
from pathlib import Path

from comfy_script import runtime


def build(document: dict, **changed: object) -> object:
	"""Call the nodes of a workflow in API form, as a script would; some inputs are others. Gives the last node's output."""
	from comfy_script.runtime import nodes

	outputs: dict[str, list] = {}
	for id, node in document.items():
		inputs = {
			name: outputs[value[0]][value[1]] if isinstance(value, list) else value
			for name, value in node['inputs'].items()
		}
		inputs |= {name: value for name, value in changed.items() if name in inputs}
		output = getattr(nodes, node['class_type'])(**inputs)
		outputs[id] = output if isinstance(output, list) else [output]
	return outputs[id][0]


def main(url: str, workflow: str, folder: str) -> None:
	"""Make a picture, watch its progress, cancel another; print what came of it."""
	document = json.loads(Path(workflow).read_text())
	runtime.load(url)
	runtime.queue.watch_display(False)
	ticks: list[tuple[int, int]] = []
	with runtime.Workflow() as wanted:
		build(document, seed=5)
	wanted.task.add_progress_callback(lambda progress: ticks.append((progress.value, progress.max)))
	[shown] = wanted.task.wait()
	pictures = shown.wait()
	for index, picture in enumerate(pictures):
		picture.save(Path(folder, f'{index}.png'))

	begun = threading.Event()
	with runtime.Workflow() as other:
		long = build(document, steps=10_000)
	other.task.add_progress_callback(lambda progress: begun.set())
	begun.wait(60)
	runtime.queue.cancel_current()
	report = {
		'formats': [picture.format for picture in pictures],
		'ticks': ticks,
		'cancelled': long.task.wait_result(long) is None,
	}
	print(json.dumps(report))


main(*sys.argv[1:])
