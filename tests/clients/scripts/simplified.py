"""What a user of comfy-api-simplified does: URL, workflow and folder come in, pictures and a report go out."""

import json
import sys
from pathlib import Path

from comfy_api_simplified import ComfyApiError, ComfyApiWrapper, ComfyWorkflowWrapper
from PIL import Image


def main(url: str, workflow: str, folder: str) -> None:
	"""Make a picture, put one behind another, interrupt, upload; print what came of it."""
	api = ComfyApiWrapper(url)
	wanted = ComfyWorkflowWrapper(workflow)
	wanted.set_node_param('Prompt', 'text', 'a green square on a white background')
	made = api.queue_and_wait_images(wanted, 'Save Image')
	for name, data in made.items():
		Path(folder, name).write_bytes(data)

	wanted.set_node_param('KSampler', 'steps', 10_000)
	long = api.queue_prompt(wanted)['prompt_id']
	behind = api.queue_prompt(ComfyWorkflowWrapper(workflow))['prompt_id']
	places = [api.get_queue_size_before(behind), len(api.get_queue()['queue_pending'])]
	while not api.get_queue()['queue_running']:
		pass
	api.interrupt()
	while not api.get_history(behind):
		pass

	wanted.set_node_param('KSampler', 'steps', 0)
	try:
		api.queue_prompt(wanted)
		refused = ''
	except ComfyApiError as error:
		refused = str(error)

	Image.new('RGB', (4, 4), 'red').save(Path(folder, 'mine.bmp'))
	report = {
		'titles': wanted.list_nodes(),
		'pictures': list(made),
		'places': places,
		'ends': [api.get_history(job)[job]['status']['status_str'] for job in (long, behind)],
		'refused': refused,
		'uploaded': api.upload_image(Path(folder, 'mine.bmp'), 'theirs'),
		'inputs': list(api.get_object_info('KSampler')['KSampler']['input']['required']),
		'devices': len(api.get_system_stats()['devices']),
		'embeddings': api.get_embeddings(),
	}
	print(json.dumps(report))


main(*sys.argv[1:])
