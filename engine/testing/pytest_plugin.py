"""Workflows as tests: `x.flow.json` is run, and what it gives compared with `x.expect.json` beside it.

Nothing happens unless somebody asks: with `--flow`, by naming such a file on the command line, or with patterns of file
names in the configuration (`flow_files = ["workflows/*.json"]`, of which those count that have expectations beside them).
Nothing of the engine is imported before that.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
	from engine.code.session import Session
	from engine.errors import EngineError
	from engine.testing.expectations import Case, Unmet

SUFFIX, EXPECTED = '.flow.json', '.expect.json'
PROMPT_SEED = 0
"""What chooses among the variants of dynamic prompts: the same in every run, so that it can be compared."""


class FlowFailed(Exception):
	"""A workflow did not give what is expected; one sentence for each thing."""


class Sessions:
	"""One session for all workflows of a folder, so that models are loaded once."""

	def __init__(self, config: pytest.Config) -> None:
		self._config = config
		self._folder = tempfile.TemporaryDirectory(prefix='lumengraph-flows-')
		self._open: dict[Path, Session] = {}

	def of(self, flow: Path) -> Session:
		"""The session of a workflow: input pictures lie beside it, models where they always do; results go elsewhere."""
		from engine.code.session import Session
		from engine.settings import Settings, default_base

		found = self._open.get(flow.parent)
		if found is None:
			base = self._config.getoption('flow_base') or default_base()
			own = Path(self._folder.name) / str(len(self._open))
			settings = Settings(
				base=Path(base).resolve(),
				input=flow.parent,
				**{name: own / name for name in ('output', 'temp', 'cache', 'data', 'user')},
				cpu=not self._config.getoption('flow_gpu'),
				metadata=False,
			)
			found = self._open[flow.parent] = Session(settings)
		return found

	def close(self) -> None:
		"""Let go of all."""
		for session in self._open.values():
			session.close()
		self._folder.cleanup()


SESSIONS = pytest.StashKey[Sessions]()


def pytest_addoption(parser: pytest.Parser) -> None:
	"""The flags."""
	group = parser.getgroup('lumengraph', 'workflows as tests')
	group.addoption('--flow', action='store_true', help=f'collect *{SUFFIX}, with *.expect.json beside them')
	group.addoption('--flow-update', action='store_true', help='write what they give as what is expected from now on')
	group.addoption('--flow-base', metavar='DIR', help='folder of models/ and custom_nodes/')
	group.addoption('--flow-gpu', action='store_true', help='compute on the GPU, if there is one')
	group.addoption(
		'--flow-differences',
		metavar='DIR',
		default='.flow-differences',
		help='where pictures of what differs are written (default: .flow-differences below the root folder)',
	)
	parser.addini('flow_files', 'patterns of workflow files that are tested', type='args', default=[])


def pytest_configure(config: pytest.Config) -> None:
	"""The marker of all these tests."""
	config.addinivalue_line('markers', 'flow: a workflow that is run as a test')


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> FlowFile | None:
	"""A workflow file, if somebody asked."""
	if file_path.suffix != '.json' or file_path.name.endswith(EXPECTED):
		return None
	config = parent.config
	if file_path.name.endswith(SUFFIX):
		# As pytest makes paths of what is named, which may have `..` in it.
		named = any(
			os.path.normpath(config.invocation_params.dir / argument.partition('::')[0]) == str(file_path)
			for argument in config.args
		)
		asked = named or config.getoption('flow') or config.getoption('flow_update')
	else:
		place = file_path.relative_to(config.rootpath) if file_path.is_relative_to(config.rootpath) else file_path
		expected = file_path.with_name(f'{file_path.stem}{EXPECTED}')
		asked = any(place.match(pattern) for pattern in config.getini('flow_files')) and expected.is_file()
	return FlowFile.from_parent(parent, path=file_path) if asked else None


def pytest_unconfigure(config: pytest.Config) -> None:
	"""Let go of models and files."""
	sessions = config.stash.get(SESSIONS, None)
	if sessions is not None:
		sessions.close()


class FlowFile(pytest.File):
	"""A workflow file: a test for each case."""

	def collect(self) -> Iterator[FlowItem]:
		"""The cases."""
		from engine.errors import BadDocument
		from engine.testing.expectations import read_expectations

		try:
			expectations = read_expectations(self.path)
		except BadDocument as error:
			raise self.CollectError(str(error)) from error
		for name, case in expectations.by_name.items():
			item: FlowItem = FlowItem.from_parent(self, name=name or 'runs')
			item.case, item.case_name = case, name
			item.add_marker('flow')
			yield item


class FlowItem(pytest.Item):
	"""One run of a workflow."""

	case: Case
	case_name: str

	def runtest(self) -> None:
		"""Run it, and compare; with `--flow-update`, write what it gave instead."""
		from engine.code.session import RunFailed
		from engine.code.workflow import Workflow
		from engine.errors import GraphError
		from engine.testing.expectations import compare, update

		session = self._sessions.of(self.path)
		try:
			workflow = Workflow.load(self.path, session=session)
			values: dict[str, Any] = self.case.inputs
			result = workflow.run(_prompt_seed=PROMPT_SEED, **values)
		except (RunFailed, GraphError) as error:
			self._heed_failure(error)
			return
		if self.case.fails:
			raise FlowFailed(f'expected a failure that says {self.case.fails!r}, but the workflow ran')
		if self.config.getoption('flow_update'):
			update(self.path, self.case_name, workflow, result, session.device)
			return
		unmet = compare(self.case, result, self.path.parent, session.device)
		if unmet:
			raise FlowFailed('\n'.join(self._told(one) for one in unmet))

	@property
	def _sessions(self) -> Sessions:
		found = self.config.stash.get(SESSIONS, None)
		if found is None:
			found = self.config.stash[SESSIONS] = Sessions(self.config)
		return found

	def _heed_failure(self, error: EngineError) -> None:
		"""A failed node is what is expected, or a workflow or values that are refused; or they are not."""
		if not self.case.fails:
			raise error
		if self.case.fails not in str(error):
			raise FlowFailed(f'expected a failure that says {self.case.fails!r}, got: {error}')

	def _told(self, unmet: Unmet) -> str:
		"""The sentence, with where the picture of what differs is."""
		if unmet.picture is None:
			return unmet.sentence
		folder = self.config.rootpath / self.config.getoption('flow_differences')
		folder.mkdir(parents=True, exist_ok=True)
		stem = '.'.join(filter(None, (self.path.name.partition('.')[0], self.case_name, unmet.output)))
		path = folder / f'{stem}.png'
		unmet.picture.save(path)
		return f'{unmet.sentence}\n  expected, got, and what differs: {path}'

	def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
		"""What differs, without a stack where it would tell nothing."""
		from engine.errors import EngineError

		if isinstance(excinfo.value, FlowFailed | EngineError):
			return f'{self.path.name}: {excinfo.value}'
		return str(super().repr_failure(excinfo))

	def reportinfo(self) -> tuple[Path, int | None, str]:
		"""How it is called in reports."""
		return self.path, None, self.name
