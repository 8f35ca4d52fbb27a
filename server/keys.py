"""What hangs on the application, by typed keys."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from engine.queue import JobQueue
from engine.report import Reports
from engine.settings import Settings
from engine.storage import Storage
from engine.supervisor import Supervisor
from server.access import Access
from server.comfy.sockets import Hub

SETTINGS = web.AppKey('settings', Settings)
STORAGE = web.AppKey('storage', Storage)
QUEUE = web.AppKey('queue', JobQueue)
SUPERVISOR = web.AppKey('supervisor', Supervisor)
REPORTS = web.AppKey('reports', Reports)
HUB = web.AppKey('hub', Hub)
ACCESS = web.AppKey('access', Access)
EDITOR = web.AppKey('editor', Path)
WORKFLOWS = web.AppKey('workflows', Path)
MAX_BODY = web.AppKey('max_body', int)
STARTED = web.AppKey('started', float)
