"""A second try for what has run out of memory in the midst of computing: with what room can be made, and planning less."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import TypeVar

from engine.rooms import Rooms

log = logging.getLogger(__name__)
TOLD = 'Memory ran out; trying again with less of it.'
T = TypeVar('T')


def with_second_try(
	call: Callable[[], T], rooms: Rooms, *, is_full: Callable[[BaseException], bool], tell: Callable[[str], None]
) -> T:
	"""Make a call; if it raises what `is_full` knows, drop all models that nobody uses, and make it once more.

	Meanwhile models are planned with half of the room, as far as they can be streamed, and nodes that can do with less to work
	with do: `Rooms.sparing`. `tell` is told beforehand.
	"""
	try:
		return call()
	except Exception as error:
		if not is_full(error):
			raise
		log.warning('Memory ran out, and all is tried again with less of it: %s', error)
		# What was computed is held by the frames that it failed in.
		traceback.clear_frames(error.__traceback__)
	tell(TOLD)
	with rooms.sparing():
		return call()
