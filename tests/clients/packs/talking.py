"""A pack of one native node, which says what it is about while it runs."""

import sys

from engine.plugins import Kit
from engine.spec import Context, node


@node(kind='TestingTalk', category='Testing', sink=True)
def talk(context: Context, text: str) -> None:
	"""Say something, in passing and as a notification."""
	context.note(text)
	context.announce('notification', {'value': text})


def register(kit: Kit) -> None:
	"""Add this file's node."""
	kit.collect(sys.modules[__name__])
