"""What hangs on the application, by typed keys."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from engine.events import EventBus
from engine.formats.prompt import RecentPrompts
from engine.modelwatch import ModelWatch
from engine.previews import PreviewMethod
from engine.queue import JobQueue
from engine.settings import Settings
from engine.storage import Storage
from engine.supervisor import Supervisor
from server.access import Access
from server.auth import Auth
from server.comfy.logteller import LogTeller
from server.comfy.sockets import Hub
from server.downloads import Downloads
from server.drafts import Drafts
from server.library import Library
from server.logring import LogRing
from server.metrics import Metrics
from server.serving import Limits
from server.store.store import Store
from server.thumbnails import Thumbnails
from server.users.accounts import Accounts
from server.users.settings import UserSettings

SETTINGS = web.AppKey('settings', Settings)
STORAGE = web.AppKey('storage', Storage)
BUS = web.AppKey('bus', EventBus)
QUEUE = web.AppKey('queue', JobQueue)
STORE = web.AppKey('store', Store)
STREAMS = web.AppKey('streams', set[asyncio.Task[None]])
SUPERVISOR = web.AppKey('supervisor', Supervisor)
HUB = web.AppKey('hub', Hub)
ACCESS = web.AppKey('access', Access)
ACCOUNTS = web.AppKey('accounts', Accounts)
USER_SETTINGS = web.AppKey('user_settings', UserSettings)
PICTURE_SLOTS = web.AppKey('picture_slots', asyncio.Semaphore)
AUTH = web.AppKey('auth', Auth)
LIMITS = web.AppKey('limits', Limits)
LOGS = web.AppKey('logs', LogRing)
LOG_TELLER = web.AppKey('log_teller', LogTeller)
PROMPTS = web.AppKey('prompts', RecentPrompts)
PREVIEWS: web.AppKey[PreviewMethod] = web.AppKey('previews')
EDITOR = web.AppKey('editor', Path)
LIBRARY = web.AppKey('library', Library)
DOWNLOADS = web.AppKey('downloads', Downloads)
DRAFTS = web.AppKey('drafts', Drafts)
THUMBNAILS = web.AppKey('thumbnails', Thumbnails)
METRICS = web.AppKey('metrics', Metrics)
MODEL_WATCH = web.AppKey('model_watch', ModelWatch)
MAX_BODY = web.AppKey('max_body', int)
STARTED = web.AppKey('started', float)
