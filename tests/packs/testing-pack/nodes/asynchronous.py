"""Nodes whose functions are coroutines, and nodes that tell their progress."""

import asyncio
import time

import comfy.model_management
import comfy.utils
from comfy_api.latest import ComfyAPI, ComfyAPISync
from comfy_execution.utils import get_executing_context
from PIL import Image

from .types import ANY, inputs

running = []
most = 0


class TestingSleep:
	"""Waits asynchronously, then hands on; the module's `most` tells how many waited at once."""

	INPUT_TYPES = inputs({'value': (ANY,), 'seconds': ('FLOAT', {'default': 0.05, 'min': 0.0, 'max': 10.0})})
	RETURN_TYPES = (ANY,)
	FUNCTION = 'wait'
	CATEGORY = 'Testing/Async'

	async def wait(self, value, seconds):
		global most
		running.append(value)
		most = max(most, len(running))
		try:
			await asyncio.sleep(seconds)
		finally:
			running.remove(value)
		return (value,)


class TestingAsyncError:
	"""Waits a little, then raises."""

	INPUT_TYPES = inputs({'value': (ANY,), 'seconds': ('FLOAT', {'default': 0.01})})
	RETURN_TYPES = (ANY,)
	FUNCTION = 'fail'
	CATEGORY = 'Testing/Async'

	async def fail(self, value, seconds):
		await asyncio.sleep(seconds)
		raise RuntimeError('Failed on purpose, later')


class TestingAsyncLazy:
	"""Asks asynchronously for the input that the switch names."""

	INPUT_TYPES = inputs(
		{'first': ('BOOLEAN', {'default': True}), 'a': (ANY, {'lazy': True}), 'b': (ANY, {'lazy': True})}
	)
	RETURN_TYPES = (ANY,)
	FUNCTION = 'choose'
	CATEGORY = 'Testing/Async'

	async def check_lazy_status(self, first, a, b):
		await asyncio.sleep(0)
		return ['a' if first else 'b']

	async def choose(self, first, a, b):
		return (a if first else b,)


class TestingWho:
	"""Tells which call is running."""

	INPUT_TYPES = inputs({'value': (ANY,)})
	RETURN_TYPES = ('STRING',)
	FUNCTION = 'tell'
	CATEGORY = 'Testing/Async'

	async def tell(self, value):
		await asyncio.sleep(0)
		who = get_executing_context()
		return (f'{who.node_id}:{who.list_index}',)


class TestingProgress:
	"""Tells its progress with a bar."""

	INPUT_TYPES = inputs({'value': (ANY,), 'steps': ('INT', {'default': 3})})
	RETURN_TYPES = (ANY,)
	FUNCTION = 'go'
	CATEGORY = 'Testing/Progress'

	def go(self, value, steps):
		bar = comfy.utils.ProgressBar(steps)
		for _ in range(steps):
			bar.update(1)
		return (value,)


class TestingProgressElsewhere(TestingProgress):
	"""Tells progress at another node, by its id."""

	INPUT_TYPES = inputs({'value': (ANY,), 'node': ('STRING', {'default': ''})})

	def go(self, value, node):
		comfy.utils.ProgressBar(4, node_id=node).update(2)
		return (value,)


class TestingProgressAsync(TestingProgress):
	"""Tells its progress with the asynchronous interface."""

	async def go(self, value, steps):
		api = ComfyAPI()
		for step in range(steps):
			await api.execution.set_progress(step + 1, steps)
		return (value,)


class TestingProgressSync(TestingProgress):
	"""Tells its progress with the plain interface."""

	def go(self, value, steps):
		api = ComfyAPISync()
		for step in range(steps):
			api.execution.set_progress(step + 1, steps)
		return (value,)


class TestingSend:
	"""Sends each picture over the socket instead of saving it, as nodes for other programs do."""

	INPUT_TYPES = inputs({'images': ('IMAGE',), 'format': (['PNG', 'JPEG'],)})
	RETURN_TYPES = ()
	FUNCTION = 'send'
	OUTPUT_NODE = True
	CATEGORY = 'Testing/Progress'

	def send(self, images, format):
		bar = comfy.utils.ProgressBar(len(images))
		for done, pixels in enumerate(images, 1):
			picture = Image.fromarray((pixels.numpy() * 255).astype('uint8'))
			bar.update_absolute(done, len(images), (format, picture, None))
		return {}


class TestingSendTyped(TestingSend):
	"""Sends the first picture with its progress, by the typed interface, whole or not."""

	INPUT_TYPES = inputs({'images': ('IMAGE',), 'whole': ('BOOLEAN', {'default': False})})

	def send(self, images, whole):
		ComfyAPISync().execution.set_progress(1, 1, preview_image=images, ignore_size_limit=whole)
		return {}


class TestingUntilInterrupted:
	"""Tells that it has begun, then runs until it is interrupted (or a minute), swallowing every `Exception`."""

	INPUT_TYPES = inputs({'value': (ANY,)})
	RETURN_TYPES = (ANY,)
	FUNCTION = 'go'
	CATEGORY = 'Testing/Progress'

	def go(self, value):
		bar = comfy.utils.ProgressBar(2)
		bar.update(1)
		for _ in range(6000):
			try:
				comfy.model_management.throw_exception_if_processing_interrupted()
			except Exception:
				continue
			time.sleep(0.01)
		return (value,)


NODES = {
	cls.__name__: cls
	for cls in (
		TestingSleep,
		TestingAsyncError,
		TestingAsyncLazy,
		TestingWho,
		TestingProgress,
		TestingProgressElsewhere,
		TestingProgressAsync,
		TestingProgressSync,
		TestingSend,
		TestingSendTyped,
		TestingUntilInterrupted,
	)
}
