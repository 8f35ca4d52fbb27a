"""What there is: nodes, machine, features."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from server.comfy.discovery import main_memory, memory, system_info
from tests.server.client import Api, call

KEYS = {
	'input',
	'input_order',
	'output',
	'output_is_list',
	'output_name',
	'output_tooltips',
	'name',
	'display_name',
	'description',
	'category',
	'python_module',
	'output_node',
}


class TestObjectInfo:
	"""The declarations of the nodes."""

	async def test_every_kind_has_every_key(self, api: Api) -> None:
		"""Clients index these keys without looking, and search the texts."""
		info = await api.json('/object_info')

		assert {'Shade', 'Mix', 'Pick', 'Save'} <= info.keys()
		for kind, entry in info.items():
			assert entry.keys() >= KEYS
			assert entry['name'] == kind
			assert all(isinstance(entry[key], str) for key in ('display_name', 'description', 'category'))
			assert len(entry['output']) == len(entry['output_is_list']) == len(entry['output_name'])
			for section, inputs in entry['input'].items():
				assert entry['input_order'][section] == list(inputs)

	async def test_widgets(self, api: Api) -> None:
		"""Bounds, defaults, multiline, choices and seeds as front ends read them."""
		mix = (await api.json('/object_info'))['Mix']

		assert mix['input']['required'] == {
			'first': ['PAPER', {}],
			'second': ['PAPER', {}],
			'share': ['FLOAT', {'default': 0.5, 'min': 0.0, 'max': 1.0, 'step': 0.01, 'round': 0.001}],
			'mode': [['mean', 'first'], {'default': 'mean'}],
			'note': ['STRING', {'default': '', 'multiline': True, 'dynamicPrompts': True}],
		}
		assert mix['input']['optional'] == {'inverted': ['BOOLEAN', {'default': False}]}
		assert (mix['output'], mix['output_name'], mix['output_is_list']) == (
			['PAPER', 'INT'],
			['paper', 'amount'],
			[False, False],
		)
		assert mix['output_node'] is False

	async def test_seed_and_tooltip(self, api: Api) -> None:
		"""A seed has the control that changes it after each run; its bound is that of 64 bits, to the last digit."""
		seed = (await api.json('/object_info'))['Shade']['input']['required']['seed']

		assert seed == [
			'INT',
			{
				'default': 0,
				'min': 0,
				'max': 18446744073709551615,
				'control_after_generate': True,
				'tooltip': 'Makes a run unlike another',
			},
		]

	async def test_hidden_inputs(self, api: Api) -> None:
		"""What a node sees beside its inputs is told as hidden."""
		save = (await api.json('/object_info'))['Save']

		assert save['input']['hidden'] == {'prompt': 'PROMPT', 'extra_pnginfo': 'EXTRA_PNGINFO'}
		assert save['input_order']['hidden'] == ['prompt', 'extra_pnginfo']
		assert save['output_node'] is True
		assert save['python_module'] == 'tests'

	async def test_files_are_listed_as_they_lie(self, api: Api, base: Path) -> None:
		"""Models and input pictures are plain lists, read from the disk at each question."""
		Image.new('RGB', (1, 1)).save(base / 'input' / 'sub' / 'new.png')
		required = (await api.json('/object_info'))['Pick']['input']['required']

		assert required['model'] == [['one.safetensors', 'sub/two.safetensors'], {}]
		assert {'seen.png', 'sub/new.png'} <= set(required['image'][0])
		assert required['image'][1] == {'image_upload': True}

	async def test_known_declarations_are_not_sent_again(self, api: Api) -> None:
		"""Who says that it has them gets 304 and no body, until a file comes that can be chosen."""
		first = await api.get('/object_info')
		known = {'If-None-Match': first.headers['ETag']}
		again = await api.web.get('/api/object_info', headers=known)
		folder = (await api.json('/experiment/models'))[0]['folders'][0]
		new = Path(folder) / 'fresh.safetensors'
		new.write_bytes(b'weights')
		changed = await api.web.get('/object_info', headers=known)
		new.unlink()

		assert first.headers['Cache-Control'] == 'no-cache'
		assert (again.status, await again.read()) == (304, b'')
		assert changed.status == 200
		assert changed.headers['ETag'] != first.headers['ETag']

	async def test_one_kind(self, api: Api) -> None:
		"""One kind by name; an unknown one is an empty object."""
		assert await api.json('/object_info/Mix') == {'Mix': (await api.json('/object_info'))['Mix']}
		assert await api.json('/object_info/Unknown') == {}


async def choices(api: Api, path: str) -> list[str]:
	"""What may be chosen at the foreign node."""
	entry = (await api.json(path))['Listing']
	found: list[str] = entry['input']['required']['choice'][0]
	return found


class TestForeignNodes:
	"""Nodes whose lists only their own code knows."""

	async def test_are_told_anew_at_each_question(self, api: Api, base: Path) -> None:
		"""For all kinds and for one: what came to the disk a moment ago is listed."""
		before = await choices(api, '/object_info/Listing')
		(base / 'models' / 'style_models').mkdir(exist_ok=True)
		(base / 'models' / 'style_models' / 'new.pt').write_bytes(b'')

		assert 'new.pt' not in before
		assert 'new.pt' in await choices(api, '/object_info')
		assert 'new.pt' in await choices(api, '/object_info/Listing')

	async def test_value_that_is_listed_by_now_is_accepted(self, api: Api, base: Path) -> None:
		"""Before a value is refused, the list is read again."""
		await choices(api, '/object_info/Listing')
		(base / 'models' / 'style_models').mkdir(exist_ok=True)
		(base / 'models' / 'style_models' / 'newer.pt').write_bytes(b'')
		status, _ = await api.prompt({'1': call('Listing', choice='newer.pt')})
		refused, body = await api.prompt({'1': call('Listing', choice='nowhere.pt')})

		assert status == 200
		assert refused == 400
		assert body['node_errors']['1']['errors'][0]['type'] == 'value_not_in_list'


class TestSystem:
	"""The machine."""

	async def test_system_stats(self, api: Api) -> None:
		"""What clients read at their first request: devices with name, type and size, a version, a list of flags."""
		stats = await api.json('/system_stats')
		device, system = stats['devices'][0], stats['system']

		assert device.keys() >= {'name', 'type', 'index', 'vram_total', 'vram_free'}
		assert device['vram_total'] > 0
		assert system['comfyui_version'] == '0.33.0'
		assert '--disable-api-nodes' in system['argv']
		assert system['pytorch_version'][0].isdigit()
		assert system['ram_total'] >= system['ram_free'] > 0
		assert system['embedded_python'] is False

	def test_main_memory_stands_in_for_devices(self) -> None:
		"""Clients read the first device without looking, also while no worker tells of any."""
		system = system_info()
		device = main_memory(system)

		assert (device.name, device.type, device.vram_total) == ('cpu', 'cpu', system.ram_total)

	def test_memory(self) -> None:
		"""Sizes are bytes: more than a hundred million of them."""
		total, free = memory()

		assert total > free > 10**8

	async def test_features(self, api: Api) -> None:
		"""What is not there is announced as false, so that front ends leave its routes alone."""
		flags = await api.json('/features')

		assert flags['supports_preview_metadata'] is True
		assert flags['max_upload_size'] == 2**19
		assert flags['node_replacements'] is True
		assert flags['assets'] is flags['extension']['manager']['supports_v4'] is False


class TestEveryNode:
	"""The declarations of the program's own nodes and of packs, as clients read them."""

	async def test_every_key(self, host: Api) -> None:
		"""Texts are texts, lists have equal lengths, the order names every input."""
		info = await host.json('/object_info')

		for kind, entry in info.items():
			assert entry.keys() >= KEYS
			assert all(isinstance(entry[key], str) for key in ('name', 'display_name', 'description', 'category'))
			assert len(entry['output']) == len(entry['output_is_list']) == len(entry['output_name'])
			assert {section: list(inputs) for section, inputs in entry['input'].items()} == entry['input_order'], kind

	async def test_checkpoints_are_a_plain_list(self, host: Api) -> None:
		"""Clients look for the names of model files there."""
		loader = (await host.json('/object_info/CheckpointLoaderSimple'))['CheckpointLoaderSimple']

		assert isinstance(loader['input']['required']['ckpt_name'][0], list)
		assert loader['python_module'] == 'nodes'

	async def test_class_that_cannot_be_described_is_left_out(self, host: Api) -> None:
		"""The others of its pack are there, with all that a class can say of itself."""
		info = await host.json('/object_info')

		assert 'CompanionBroken' not in info
		assert (
			info['CompanionNew'].items()
			>= {
				'python_module': 'custom_nodes.companion pack',
				'deprecated': True,
				'experimental': True,
				'dev_only': True,
				'api_node': True,
				'has_intermediate_output': True,
				'essentials_category': 'Basics',
				'search_aliases': ['count', 'tally'],
			}.items()
		)

	async def test_nodes_that_say_nothing_of_it(self, host: Api) -> None:
		"""Are neither of these, and belong to no short list."""
		node = (await host.json('/object_info/SingleFileDouble'))['SingleFileDouble']
		flags = ('deprecated', 'experimental', 'dev_only', 'api_node', 'has_intermediate_output')

		assert [node[flag] for flag in flags] == [False] * 5
		assert node['search_aliases'] == []
		assert 'essentials_category' not in node
