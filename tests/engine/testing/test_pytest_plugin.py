"""The plugin: workflows collected where somebody asks, run, and compared with what is expected of them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from engine.formats.dynamic import choose
from engine.settings import PROJECT
from engine.testing.pytest_plugin import PROMPT_SEED
from tests.engine.formats.editor.canvas import canvas

pytest_plugins = 'pytester'

PLUGIN = ('-p', 'engine.testing.pytest_plugin', '-p', 'no:cacheprovider')
FLOW = {
	'lumengraph': 2,
	'inputs': {
		'colour': {'node': 'right', 'input': 'color'},
		'width': {'node': 'right', 'input': 'width'},
		'number': {'node': 'number', 'input': 'value'},
	},
	'outputs': {
		'picture': {'node': 'save'},
		'joined': {'node': 'join', 'output': 0},
		'number': {'node': 'number', 'output': 0},
	},
	'nodes': {
		'left': {'kind': 'EmptyImage', 'inputs': {'width': 32, 'height': 32, 'batch_size': 1, 'color': 255}},
		'right': {'kind': 'EmptyImage', 'inputs': {'width': 32, 'height': 32, 'batch_size': 1, 'color': 16711680}},
		'join': {
			'kind': 'ImageStitch',
			'inputs': {
				'image1': {'node': 'left', 'output': 'IMAGE'},
				'image2': {'node': 'right', 'output': 'IMAGE'},
				'direction': 'right',
				'match_image_size': False,
				'spacing_width': 0,
				'spacing_color': 'white',
			},
		},
		'number': {'kind': 'PrimitiveInt', 'inputs': {'value': 3}},
		'save': {
			'kind': 'SaveImage',
			'inputs': {'images': {'node': 'join', 'output': 'IMAGE'}, 'filename_prefix': 'x'},
		},
	},
}

TELLING = """
class Telling:
	RETURN_TYPES = ()
	FUNCTION = 'tell'
	OUTPUT_NODE = True
	CATEGORY = 'test'

	@classmethod
	def INPUT_TYPES(cls):
		return {'required': {'words': ('STRING', {'dynamicPrompts': True})}}

	def tell(self, words):
		raise ValueError(words)


NODE_CLASS_MAPPINGS = {'Telling': Telling}
"""


@pytest.fixture
def flow(pytester: pytest.Pytester) -> Path:
	"""`stripes.flow.json`, without expectations."""
	path = pytester.path / 'stripes.flow.json'
	path.write_text(json.dumps(FLOW))
	return path


def expect(flow: Path, expected: object) -> None:
	"""Write expectations beside a workflow."""
	flow.with_name('stripes.expect.json').write_text(json.dumps(expected))


def run(pytester: pytest.Pytester, *flags: str) -> pytest.RunResult:
	"""Run pytest with the plugin in the test's folder."""
	return pytester.runpytest_inprocess(*PLUGIN, '--flow-base', str(pytester.path), *flags)


class TestCollecting:
	def test_only_where_somebody_asks(self, pytester: pytest.Pytester, flow: Path) -> None:
		"""Not by itself; with `--flow`, or by name."""
		run(pytester).assert_outcomes()
		run(pytester, '--flow').assert_outcomes(passed=1)
		run(pytester, 'stripes.flow.json').assert_outcomes(passed=1)

	def test_paths_that_go_up(self, pytester: pytest.Pytester, flow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""A file may be named by way of a folder above."""
		monkeypatch.chdir(pytester.mkdir('elsewhere'))

		run(pytester, '../stripes.flow.json').assert_outcomes(passed=1)
		run(pytester, '../elsewhere/../stripes.flow.json').assert_outcomes(passed=1)

	def test_patterns_of_the_configuration(self, pytester: pytest.Pytester, flow: Path) -> None:
		"""Other JSON files count by pattern, if they have expectations beside them."""
		pytester.makeini('[pytest]\nflow_files = flows/*.json')
		folder = pytester.mkdir('flows')
		for name in ('one.json', 'two.json'):
			(folder / name).write_text(json.dumps(FLOW))
		(folder / 'one.expect.json').write_text('{}')
		result = run(pytester, '-v')

		result.assert_outcomes(passed=1)
		result.stdout.fnmatch_lines(['*one.json::runs PASSED*'])

	def test_other_peoples_runs_import_nothing(self, tmp_path: Path) -> None:
		"""A run of pytest that asks for no workflow imports neither the engine nor torch."""
		(tmp_path / 'test_it.py').write_text(
			'import sys\ndef test_it():\n\tassert not {"engine.runner", "torch", "nodes"} & set(sys.modules)\n'
		)
		done = subprocess.run(
			[sys.executable, '-m', 'pytest', '-q', *PLUGIN, str(tmp_path)],
			cwd=tmp_path,
			env={'PYTHONPATH': str(PROJECT), 'PATH': ''},
			capture_output=True,
			text=True,
			check=False,
		)

		assert done.returncode == 0, done.stdout


class TestExpectations:
	def test_what_holds(self, pytester: pytest.Pytester, flow: Path) -> None:
		"""Counts, sizes and values; inputs are set before."""
		size = {'count': 1, 'width': 48, 'height': 32}
		outputs = {'picture': size, 'joined': size, 'number': {'equals': 7}}
		expect(flow, {'inputs': {'width': 16, 'number': 7}, 'outputs': outputs})

		run(pytester, '--flow').assert_outcomes(passed=1)

	def test_everything_that_differs_is_told(self, pytester: pytest.Pytester, flow: Path) -> None:
		"""One sentence for each: which output, what was expected, what came."""
		outputs = {'picture': {'count': 2, 'width': 65}, 'number': {'equals': 4}, 'other': {'count': 1}}
		expect(flow, {'outputs': outputs})
		result = run(pytester, '--flow')

		result.assert_outcomes(failed=1)
		result.stdout.fnmatch_lines(
			[
				"*output 'picture': expected 2 pictures, got 1",
				"output 'picture': expected a width of 65 pixels, got 64",
				"output 'number': expected 4, got 3",
				"output 'other': *no output 'other'*",
			]
		)

	def test_cases(self, pytester: pytest.Pytester, flow: Path) -> None:
		"""Several runs of one workflow are several tests."""
		outputs = {'number': {'equals': 1}}
		expect(flow, {'cases': {'one': {'inputs': {'number': 1}, 'outputs': outputs}, 'three': {'outputs': outputs}}})

		run(pytester, '--flow').assert_outcomes(passed=1, failed=1)
		run(pytester, 'stripes.flow.json::one').assert_outcomes(passed=1)

	def test_expected_failures(self, pytester: pytest.Pytester, flow: Path) -> None:
		"""A workflow may have to fail, with these words."""
		nodes = {
			'text': {'kind': 'PrimitiveString', 'inputs': {'value': 'many'}},
			'number': {'kind': 'ComfyNumberConvert', 'inputs': {'value': {'node': 'text', 'output': 'STRING'}}},
			'show': {'kind': 'PreviewAny', 'inputs': {'source': {'node': 'number', 'output': 'INT'}}},
		}
		flow.write_text(json.dumps({'lumengraph': 2, 'nodes': nodes}))
		run(pytester, '--flow').assert_outcomes(failed=1)
		expect(flow, {'fails': "'many'"})
		run(pytester, '--flow').assert_outcomes(passed=1)
		expect(flow, {'fails': 'too few'})

		run(pytester, '--flow').assert_outcomes(failed=1)

	def test_expected_refusals(self, pytester: pytest.Pytester, flow: Path) -> None:
		"""So may values that do not fit, and graphs that cannot run."""
		refused = {'inputs': {'number': 'x'}, 'fails': 'whole number'}
		expect(flow, {'cases': {'right': refused, 'other words': {**refused, 'fails': 'too long'}}})
		run(pytester, 'stripes.flow.json::right').assert_outcomes(passed=1)
		run(pytester, 'stripes.flow.json::other words').assert_outcomes(failed=1)
		flow.write_text(json.dumps({'lumengraph': 2, 'nodes': {'a': {'kind': 'Elsewhere'}}}))
		expect(flow, {'fails': 'a known kind'})

		run(pytester, '--flow').assert_outcomes(passed=1)

	@pytest.mark.parametrize('text', ['{', '{"output": {}}', '{"outputs": {"picture": {"size": 3}}}'])
	def test_bad_expectations(self, pytester: pytest.Pytester, flow: Path, text: str) -> None:
		"""A file that says nothing that is understood is an error, with its name and without a stack."""
		flow.with_name('stripes.expect.json').write_text(text)
		result = run(pytester, '--flow')

		result.assert_outcomes(errors=1)
		result.stdout.fnmatch_lines(['*stripes.expect.json*'])
		result.stdout.no_fnmatch_line('*read_expectations*')

	def test_texts_that_are_shown(self, pytester: pytest.Pytester, flow: Path) -> None:
		"""An output at a node that shows texts equals these, and an update writes them."""
		nodes = {
			'number': {'kind': 'PrimitiveInt', 'inputs': {'value': 3}},
			'show': {'kind': 'PreviewAny', 'inputs': {'source': {'node': 'number', 'output': 'INT'}}},
		}
		flow.write_text(json.dumps({'lumengraph': 2, 'outputs': {'told': {'node': 'show'}}, 'nodes': nodes}))
		run(pytester, '--flow-update').assert_outcomes(passed=1)

		assert json.loads(flow.with_name('stripes.expect.json').read_text()) == {'outputs': {'told': {'equals': ['3']}}}
		run(pytester, '--flow').assert_outcomes(passed=1)
		expect(flow, {'outputs': {'told': {'equals': ['4']}}})
		run(pytester, '--flow').assert_outcomes(failed=1)

	def test_dynamic_prompts(self, pytester: pytest.Pytester, flow: Path) -> None:
		"""Of a file of ComfyUI's editor: one variant, and the same in every run."""
		pytester.mkdir('custom_nodes').joinpath('telling.py').write_text(TELLING)
		template = 'a {red|green|blue|white} {cat|dog|bird} is told'
		flow.write_text(json.dumps(canvas([{'id': 1, 'type': 'Telling', 'widgets_values': [template]}], [])))
		expect(flow, {'fails': choose(template, random.Random(str(PROMPT_SEED)))})

		run(pytester, '--flow').assert_outcomes(passed=1)


class TestPictures:
	def test_update_and_compare(self, pytester: pytest.Pytester, flow: Path) -> None:
		"""`--flow-update` writes sizes, values and reference pictures, with which the next run is compared."""
		run(pytester, '--flow-update').assert_outcomes(passed=1)
		expected = json.loads(flow.with_name('stripes.expect.json').read_text())

		assert expected['outputs'] == {
			'picture': {'count': 1, 'width': 64, 'height': 32, 'like': 'stripes.picture.png'},
			'joined': {'count': 1, 'width': 64, 'height': 32, 'like': 'stripes.joined.png'},
			'number': {'equals': 3},
		}
		run(pytester, '--flow').assert_outcomes(passed=1)

	def test_difference_is_told_and_drawn(self, pytester: pytest.Pytester, flow: Path) -> None:
		"""A picture that looks another is told with how alike it is, and both are drawn beside what differs."""
		run(pytester, '--flow-update').assert_outcomes(passed=1)
		expected = json.loads(flow.with_name('stripes.expect.json').read_text())
		expect(flow, {**expected, 'inputs': {'colour': 0x00FF00}})
		result = run(pytester, '--flow')

		result.assert_outcomes(failed=1)
		result.stdout.fnmatch_lines(
			["*output 'picture': expected a likeness to stripes.picture.png of 0.95 or more, got *"]
		)
		with Image.open(pytester.path / '.flow-differences' / 'stripes.picture.png') as drawn:
			assert drawn.size == (64 * 3 + 8, 32)

	def test_missing_reference(self, pytester: pytest.Pytester, flow: Path) -> None:
		"""A reference that is not there is told, with how to make it."""
		expect(flow, {'outputs': {'picture': {'like': 'none.png'}}})
		result = run(pytester, '--flow')

		result.assert_outcomes(failed=1)
		result.stdout.fnmatch_lines(["*no reference 'none.png'; --flow-update writes it"])

	def test_pinned_pixels(self, pytester: pytest.Pytester, flow: Path) -> None:
		"""Digests hold for the class of devices that they name, and for no other."""
		expect(flow, {'outputs': {'picture': {'digests': {'elsewhere': 'x'}}}})
		run(pytester, '--flow').assert_outcomes(passed=1)
		run(pytester, '--flow-update').assert_outcomes(passed=1)
		expected = json.loads(flow.with_name('stripes.expect.json').read_text())
		digests = expected['outputs']['picture']['digests']

		assert len(digests) == 2
		run(pytester, '--flow').assert_outcomes(passed=1)
		expect(flow, {**expected, 'inputs': {'colour': 0x00FF00}})
		result = run(pytester, '--flow')
		result.stdout.fnmatch_lines(["*output 'picture': expected the pixels that are pinned for cpu*"])
