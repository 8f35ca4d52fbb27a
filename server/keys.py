"""What hangs on the application, by typed keys."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from engine.queue import JobQueue
from engine.storage import Storage
from engine.supervisor import Supervisor
from server.access import Access
from server.comfy.sockets import Hub

STORAGE = web.AppKey('storage', Storage)
QUEUE = web.AppKey('queue', JobQueue)
SUPERVISOR = web.AppKey('supervisor', Supervisor)
HUB = web.AppKey('hub', Hub)
ACCESS = web.AppKey('access', Access)
EDITOR = web.AppKey('editor', Path)
WORKFLOWS = web.AppKey('workflows', Path)
MAX_BODY = web.AppKey('max_body', int)
STARTED = web.AppKey('started', float)
