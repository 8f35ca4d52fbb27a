import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import nodes
from engine.plugins import Kit, PackReport, load_packs
from engine.spec import node
from nodes.comfy.importer import open_pack, prepare_pack
from tests.nodes.comfy.conftest import PACKS

Write = Callable[[str, Mapping[str, str]], Path]
NODE = """
class {name}:
	RETURN_TYPES = ('STRING',)
	FUNCTION = 'go'

	@classmethod
	def INPUT_TYPES(cls):
		return {{'required': {{}}}}

	def go(self):
		return ({value},)

NODE_CLASS_MAPPINGS = {{'{name}': {name}}}
"""


def pack(name: str = 'Only', value: str = '"x"', before: str = '') -> str:
	"""The source of a pack of one node."""
	return before + NODE.format(name=name, value=value)


class TestOpenPack:
	def test_both_forms_of_packs_are_loaded(self, kit: Kit) -> None:
		"""A folder with a hyphen in its name and relative imports, and a single file."""
		reports = {report.name: report for report in load_packs(kit, [PACKS])}

		assert [report.error for report in reports.values()] == ['', '']
		assert reports['single_file'].kinds == ('SingleFileDouble',)
		assert 'TestingLoopClose' in reports['testing-pack'].kinds
		assert kit.nodes['TestingImage'].info.origin == 'custom_nodes.testing-pack'

	@pytest.mark.parametrize('name', ['plain', 'with-hyphen', 'with.dots.in', 'with a space'])
	def test_the_name_need_not_be_an_identifier(self, kit: Kit, write: Write, name: str) -> None:
		"""Relative imports work under any name, late ones too."""
		before = 'from .part import give\n'
		folder = write(
			name,
			{
				'__init__.py': pack('Named', 'give()', before),
				'part.py': 'def give():\n\tfrom .late import VALUE\n\treturn VALUE\n',
				'late.py': 'VALUE = "late"\n',
			},
		)
		report = open_pack(folder, kit)

		assert (report.name, report.kinds, report.error) == (name, ('Named',), '')

	def test_a_broken_pack_tells_its_traceback(self, kit: Kit, write: Write) -> None:
		"""The others are loaded all the same, and nothing of it stays in `sys.modules`."""
		write('a-broken', {'__init__.py': 'from . import part\n1 / 0\n', 'part.py': ''})
		write('b-leaves', {'__init__.py': 'raise SystemExit(3)\n'})
		good = write('c-good', {'__init__.py': pack()})
		broken, leaves, fine = load_packs(kit, [good.parent])

		assert 'ZeroDivisionError' in broken.error
		assert 'SystemExit' in leaves.error
		assert fine.kinds == ('Only',)
		assert not [name for name in sys.modules if 'a-broken' in name]

	def test_a_broken_class_is_left_out(self, kit: Kit, write: Write) -> None:
		"""Its traceback is in the report, beside the kinds that could be had."""
		source = pack() + 'class Bad(Only):\n\t@classmethod\n\tdef INPUT_TYPES(cls):\n\t\treturn 1 / 0\n'
		folder = write('half', {'__init__.py': source + 'NODE_CLASS_MAPPINGS["Bad"] = Bad\n'})
		report = open_pack(folder, kit)

		assert report.kinds == ('Only',)
		assert "Node 'Bad'" in report.error
		assert 'ZeroDivisionError' in report.error
		assert 'Bad' not in kit.nodes

	def test_a_pack_without_nodes_says_so(self, kit: Kit, write: Write) -> None:
		"""It has neither mapping nor `register`."""
		report = open_pack(write('empty', {'__init__.py': 'x = 1\n'}), kit)

		assert 'no NODE_CLASS_MAPPINGS' in report.error

	def test_a_native_pack_registers_itself(self, kit: Kit, write: Write) -> None:
		"""It sees our own modules below `nodes`; its nodes bear the pack's name."""
		source = (
			'import sys\nfrom engine.spec import node\nfrom nodes.values import Images\n'
			'@node(category="x")\ndef native() -> int:\n\treturn 1\n'
			'def register(kit):\n\tkit.collect(sys.modules[__name__])\n'
		)
		report = open_pack(write('own', {'__init__.py': source}), kit)

		assert (report.kinds, report.error) == (('Native',), '')
		assert kit.nodes['Native'].info.origin == 'custom_nodes.own'
		assert not kit.nodes['Native'].info.foreign

	def test_a_built_in_kind_stays_built_in(self, kit: Kit, write: Write) -> None:
		"""A pack's node of that kind is passed by."""

		@node(kind='Only', category='test')
		def only() -> int:
			return 1

		spec = next(value for value in vars(only).values())
		kit.nodes.add(spec, origin='nodes')
		report = open_pack(write('greedy', {'__init__.py': pack()}), kit)

		assert report.kinds == ()
		assert kit.nodes['Only'].info.origin == 'nodes'

	def test_among_packs_the_last_one_wins(self, kit: Kit, write: Write) -> None:
		"""As in ComfyUI."""
		for name in ('first', 'second'):
			folder = write(name, {'__init__.py': pack()})
		load_packs(kit, [folder.parent])

		assert kit.nodes['Only'].info.origin == 'custom_nodes.second'

	def test_the_sources_are_in_the_declaration(self, kit: Kit, write: Write) -> None:
		"""Another source in any of its files gives another digest."""
		codes: list[str] = []
		for text in ('A = 1\n', 'A = 2\n'):
			open_pack(write('told', {'__init__.py': pack(), 'part.py': text}), kit)
			codes.append(kit.nodes['Only'].info.code)

		assert codes[0] != codes[1]

	def test_declarations_are_told_anew(self, kit: Kit, write: Write) -> None:
		"""What `INPUT_TYPES` lists may change; a class that raises keeps what it told before."""
		source = pack().replace("{'required': {}}", "{'required': {'file': (list(LISTED),)}}")
		open_pack(write('listing', {'__init__.py': 'LISTED = ["a"]\n' + source}), kit)
		module = next(module for name, module in sys.modules.items() if name.endswith('/listing'))
		module.LISTED.append('b')
		told = [info for refresh in kit.refresh for info in refresh()]
		vars(module)['LISTED'] = None
		kept = [info for refresh in kit.refresh for info in refresh()]

		assert told == kept == [kit.nodes['Only'].info]
		assert 'b' in told[0].model_dump_json()

	def test_a_failing_preparation_is_only_logged(self, write: Write, caplog: pytest.LogCaptureFixture) -> None:
		"""`prestartup_script.py` runs on its own."""
		folder = write('prepared', {'prestartup_script.py': 'import folder_paths_of_nobody\n'})
		prepare_pack(folder)

		assert 'prestartup_script.py' in caplog.text


class TestView:
	"""Packs see the host's modules under ComfyUI's names; nobody else does."""

	def values(self, kit: Kit, write: Write, source: str, **files: str) -> PackReport:
		"""Load a pack with this source."""
		folder = write('looking', {'__init__.py': pack(before=source), **{f'{k}.py': v for k, v in files.items()}})
		return open_pack(folder, kit)

	@pytest.mark.parametrize(
		'source',
		[
			'import comfy.utils\nassert comfy.utils.ProgressBar\n',
			'import comfy.utils as u\nassert u.ProgressBar\n',
			'from comfy import utils\nassert utils.ProgressBar\n',
			'from comfy.utils import ProgressBar\n',
			'from comfy.utils import *\nassert ProgressBar\n',
			'from comfy.comfy_types.node_typing import IO\nassert IO.ANY == "*"\n',
			'from comfy_api.v0_0_2 import ComfyAPISync\n',
			'import importlib\nassert importlib.import_module("comfy.utils").ProgressBar\n',
			'from importlib import import_module\nassert import_module("comfy.utils").ProgressBar\n',
			'import importlib.util\nassert importlib.import_module("comfy.utils") and importlib.util.find_spec\n',
			'def late():\n\timport comfy.utils\n\treturn comfy.utils\nassert late().ProgressBar\n',
			'assert __import__("comfy.utils").utils.ProgressBar\n',
			'from .part import ProgressBar\n',
			'import importlib\nassert importlib.import_module(".part", __name__).ProgressBar\n',
			'import os, sys\nsys.path.insert(0, os.path.dirname(__file__))\nimport part_on_path\nsys.path.pop(0)\n',
			'import importlib.util, os\n'
			'spec = importlib.util.spec_from_file_location("x", os.path.join(os.path.dirname(__file__), "part.py"))\n'
			'spec.loader.exec_module(importlib.util.module_from_spec(spec))\n',
		],
	)
	def test_all_forms_of_import_reach_the_hosts_modules(self, kit: Kit, write: Write, source: str) -> None:
		"""At the top, late, by importlib, and in submodules however they are loaded."""
		part = 'from comfy.utils import ProgressBar\n'

		assert self.values(kit, write, source, part=part, part_on_path=part).error == ''

	def test_a_submodule_of_such_a_name_is_the_packs_own(self, kit: Kit, write: Write) -> None:
		"""It is reached relatively, and `sys.modules` keeps ours."""
		source = 'from .nodes import MINE\nfrom . import server\nassert MINE == 5 and server.YES\n'

		assert self.values(kit, write, source, nodes='MINE = 5\n', server='YES = True\n').error == ''
		assert sys.modules['nodes'] is nodes
		assert 'comfy' not in sys.modules

	@pytest.mark.parametrize(
		('source', 'text'),
		[
			('import comfy.no_such_part', "a module 'comfy.no_such_part' that packs may import; Lumengraph does not"),
			('from comfy_extras.thing import x', "a module 'comfy_extras"),
			('import importlib\nimportlib.import_module("comfy.no_such_part")', "'comfy.no_such_part'"),
			('from comfy.utils import nothing', "Lumengraph's 'comfy.utils' for packs has no 'nothing'"),
		],
	)
	def test_what_is_not_provided_is_told(self, kit: Kit, write: Write, source: str, text: str) -> None:
		"""By the name that the pack uses."""
		assert text in self.values(kit, write, f'{source}\n').error

	def test_a_missing_module_is_an_import_error(self, kit: Kit, write: Write) -> None:
		"""Packs try, and do without."""
		source = (
			'try:\n\timport comfy.no_such_part\nexcept ImportError as e:\n\tassert e.name == "comfy.no_such_part"\n'
		)

		assert self.values(kit, write, source).error == ''

	def test_the_hosts_modules_can_be_changed(self, kit: Kit, write: Write) -> None:
		"""Packs replace functions in them, and see what others have replaced."""
		source = 'import comfy\nimport comfy.utils\ncomfy.utils.added = 1\nfrom comfy.utils import added\n'

		assert self.values(kit, write, source + 'del comfy.utils.added\n').error == ''
