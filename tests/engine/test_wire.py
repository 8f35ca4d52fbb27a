from pathlib import Path

import pytest
from pydantic import ValidationError

from engine.declaration import Choice, Input, NodeInfo, Output
from engine.events import (
	AddedNode,
	GraphExpanded,
	JobProgress,
	NodeBlocked,
	NodeFinished,
	NodePreview,
	NodeWaits,
	Ui,
	Why,
)
from engine.facts import FileMark, TensorMark
from engine.plugins import PackReport
from engine.wire import (
	Beat,
	Describe,
	Described,
	Device,
	Free,
	Happened,
	Interrupt,
	Message,
	Question,
	Ready,
	RunJob,
	Stop,
	Validate,
	Validated,
	from_worker,
	to_worker,
)

TO_WORKER: list[Message] = [
	RunJob(
		job='j',
		prompt='{"1":{"class_type":"A","inputs":{"x":["2",0],"big":18446744073709551616}}}',
		targets=('1',),
		extra_pnginfo='{"workflow": {"ü": "\\n\u2028\n"}}',
		previews='taesd',
		secrets={'api_key_comfy_org': 'sk-1'},
	),
	Validate(id=3, questions=(Question(node='1', kind='A', constants={'x': [1, None]}, links={'y': 'INT'}),)),
	Describe(),
	Interrupt(job='j'),
	Free(models=True, cache=True),
	Stop(),
]
FROM_WORKER: list[Message] = [
	Described(
		nodes=(
			NodeInfo(
				kind='A',
				title='A',
				category='test',
				inputs=(Input(name='x', type='COMBO', widget=Choice(options=('a',))),),
				outputs=(Output(name='y', type='*'),),
			),
		),
		packs=(PackReport(name='p', path=Path('/p'), kinds=('A',), error='Traceback'),),
		marks=(FileMark(title='SD', tensors=(TensorMark(name='x', shape=(-1, 2)),), facts={'family': 'sd'}),),
		model_folders={'vae': (Path('/a'), Path('/b'))},
	),
	Ready(
		device='cpu',
		devices=(Device(name='cpu', type='cpu', total=2, free=1),),
		used=('cpu',),
		versions={'torch': '2.9'},
	),
	Beat(),
	Validated(id=3, refusals={'1': 'too large'}),
	Happened(
		events=(
			NodePreview(job='j', node='n', image=b'\x00\xff\n"'),
			NodeFinished(job='j', node='n', kind='A', seconds=1.5, ui=Ui({'text': ['\n']}), why=Why(code='first_time')),
			NodeBlocked(job='j', node='m', kind='A', message='no'),
			GraphExpanded(job='j', node='n', added=(AddedNode(node='n.0.1', kind='A', display='n'),)),
			NodeWaits(job='j', node='n'),
			JobProgress(job='j', fraction=0.5, seconds_left=2.0),
		)
	),
]


class TestMessages:
	@pytest.mark.parametrize('message', TO_WORKER, ids=lambda message: message.type)
	def test_to_the_worker(self, message: Message) -> None:
		"""A message comes back equal, of its own class, and is one line."""
		line = message.model_dump_json()
		again = to_worker.validate_json(line)

		assert again == message
		assert type(again) is type(message)
		assert '\n' not in line

	@pytest.mark.parametrize('message', FROM_WORKER, ids=lambda message: message.type)
	def test_from_the_worker(self, message: Message) -> None:
		"""The same the other way, bytes and paths included."""
		line = message.model_dump_json()
		again = from_worker.validate_json(line)

		assert again == message
		assert type(again) is type(message)
		assert '\n' not in line

	@pytest.mark.parametrize('line', [b'', b'x', b'{}', b'{"type": "nothing"}', b'{"type": "stop", "more": 1}'])
	def test_anything_else_is_refused(self, line: bytes) -> None:
		"""What is no message, or one with unknown keys, is an error."""
		with pytest.raises(ValidationError):
			to_worker.validate_json(line)
		with pytest.raises(ValidationError):
			from_worker.validate_json(line)

	def test_secrets_are_not_shown(self) -> None:
		"""Neither where a message is shown, nor where one that does not fit is refused."""
		message = RunJob(job='j', prompt='{}', targets=(), secrets={'key': 'sk-1'})
		with pytest.raises(ValidationError) as refused:
			to_worker.validate_json(b'{"type": "run_job", "job": "j", "secrets": {"key": "sk-1", "other": ["sk-1"]}}')

		assert 'sk-1' not in repr(message) + str(message)
		assert 'sk-1' not in str(refused.value) + repr(refused.value)

	def test_each_direction_has_its_own(self) -> None:
		"""A worker cannot be told that it is ready."""
		with pytest.raises(ValidationError):
			to_worker.validate_json(FROM_WORKER[1].model_dump_json())
		with pytest.raises(ValidationError):
			from_worker.validate_json(Stop().model_dump_json())
