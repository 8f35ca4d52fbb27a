"""The test pack, and nodes that crash, hang, freeze, grow, or say what they should not."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path
from types import ModuleType

from engine.plugins import Kit
from engine.sockets import socket
from engine.spec import Context, node
from engine.wire import Device
from tests.engine import pack

held: list[bytearray] = []


@socket('MODEL')
class Model:
	"""Stands for weights."""


@node(category='test')
def note(context: Context, path: str, value: int = 0) -> int:
	"""Give a number, and write into a file that it was called."""
	with Path(path).open('a') as file:
		file.write(f'{context.node}\n')
	return value


@node(category='test')
def crash(value: int) -> int:
	"""Read at address 0."""
	sys.stderr.write('about to crash\n')
	return ctypes.string_at(0)[0]


@node(category='test')
def crash_once(path: str, value: int) -> int:
	"""Crash, unless a file says that it has done so before."""
	if not Path(path).exists():
		Path(path).touch()
		os.kill(os.getpid(), signal.SIGSEGV)
	return value


@node(category='test')
def kill_me(value: int) -> int:
	"""Die as the kernel's out-of-memory killer would have it."""
	os.kill(os.getpid(), signal.SIGKILL)
	return value


@node(category='test')
def freeze(context: Context, value: int) -> int:
	"""Stop the whole process."""
	context.progress(1, 2)
	os.kill(os.getpid(), signal.SIGSTOP)
	return value


@node(category='test')
def poison(value: int) -> int:
	"""Fail as torch does once the device is lost."""
	raise RuntimeError('CUDA error: device-side assert triggered\nCompile with TORCH_USE_CUDA_DSA.')


@node(category='test')
def stubborn(context: Context, seconds: float, value: int = 0) -> int:
	"""Take its time, whoever asks it to stop."""
	context.progress(1, 2)
	time.sleep(seconds)
	return value


@node(category='test', time_limit=0.5)
def limited(context: Context, seconds: float, value: int = 0) -> int:
	"""Take its time, though it has said that it would not."""
	context.progress(1, 2)
	time.sleep(seconds)
	return value


@node(category='test')
def seize(context: Context, path: str) -> int:
	"""Hang in C code that never lets go of the interpreter."""
	context.progress(1, 2)
	Path(path).write_text(str(os.getpid()))
	ctypes.PyDLL(None).sleep(600)
	return 0


@node(category='test')
def breed(context: Context, path: str) -> int:
	"""Start a process that would outlive this one and holds on to all that it has, then crash."""
	child = os.fork()
	if child == 0:
		time.sleep(600)
		os._exit(0)
	Path(path).write_text(str(child))
	os.kill(os.getpid(), signal.SIGSEGV)
	return 0


@node(category='test')
def ask_to_end(value: int) -> int:
	"""Start a process and ask it to end as one is asked; give the number of the signal that ended it."""
	told, tell = os.pipe()
	child = os.fork()
	if child == 0:
		os.write(tell, b'.')
		time.sleep(60)
		os._exit(0)
	os.read(told, 1)
	os.kill(child, signal.SIGTERM)
	return -os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@node(category='test')
def grow(mebibytes: int) -> int:
	"""Hold more memory than before."""
	held.append(bytearray(os.urandom(1024) * (mebibytes * 1024)))
	return mebibytes


@node(category='test')
def say(text: str, times: int = 1, end: str = '\n') -> int:
	"""Write to standard output, as bytes if they are given as \\x escapes."""
	data = text.encode().decode('unicode_escape').encode('latin-1') + end.encode()
	sys.stdout.flush()
	for _ in range(times):
		os.write(1, data)
	return times


@node(category='test')
def load(name: str) -> Model:
	"""Give a model."""
	return Model()


@node(category='test', sink=True, caching='never')
def who(context: Context, value: int = 0, model: Model | None = None, until: str = '') -> None:
	"""Show which process this is, once a file is there."""
	if until:
		Path(f'{until}.{context.job.id}').touch()
		while not Path(until).exists():
			context.check_cancelled()
			time.sleep(0.01)
	context.show(pid=[os.getpid()])


@node(category='test', sink=True, hidden=('api_key_comfy_org',), caching='never')
def tell(context: Context, path: str, crash: bool = False) -> None:
	"""Use a secret, write it where it belongs, and wherever it does not."""
	key = context.job.secrets['api_key_comfy_org']
	Path(path).write_text(key)
	print(f'the key is {key}', repr(context.job))
	if crash:
		os.kill(os.getpid(), signal.SIGSEGV)
	raise ValueError(f'nobody takes {key}')


def register(kit: Kit) -> None:
	"""Add the nodes of both packs. The devices are made up: to look for real ones takes each worker two seconds."""
	kit.collect(sys.modules[pack.__name__], origin='pack')
	kit.collect(sys.modules[__name__], origin='deadly')
	names = tuple(os.environ.get('TEST_DEVICES', 'cpu').split(','))
	devices = ModuleType('engine.devices')
	vars(devices).update(
		used_devices=lambda cpu=False: names,
		memory_of=lambda place: 2**30,
		find_devices=lambda: tuple(Device(name=name, type='cpu', total=2**30, free=2**29) for name in names),
	)
	sys.modules['engine.devices'] = devices
