/** The websocket: one client id, opened again with growing pauses whenever it drops. */

import { writeJson } from '../json';
import { url } from './http';
import { readFrame, readPreview } from './messages';
import type { Event, Preview } from './types';

export type Connection = 'connecting' | 'open' | 'lost';

export interface Listener {
	readonly onConnection: (connection: Connection) => void;
	/** `again` is false only for the very first time. */
	readonly onOpen: (again: boolean) => void;
	readonly onEvent: (event: Event) => void;
	readonly onPreview: (preview: Preview) => void;
}

const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 5000;
const STORAGE_KEY = 'lumengraph.client';
const FEATURES = {
	type: 'feature_flags',
	data: { supports_preview_metadata: true, progress_deltas: true, job_progress: true, model_loading: true },
};

/** A reload keeps the id and so the events of the running job; a duplicated tab gets its own. */
export function clientId(): string {
	const [entry] = performance.getEntriesByType('navigation');
	const reloaded = entry instanceof PerformanceNavigationTiming && entry.type === 'reload';
	const kept = sessionStorage.getItem(STORAGE_KEY);
	if (reloaded && kept !== null) {
		return kept;
	}
	const bytes = crypto.getRandomValues(new Uint8Array(16));
	const id = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
	sessionStorage.setItem(STORAGE_KEY, id);
	return id;
}

/** Returns the way to close it for good. */
export function openSocket(client: string, listener: Listener): () => void {
	let socket: WebSocket | null = null;
	let timer: ReturnType<typeof setTimeout> | undefined;
	let pause = FIRST_PAUSE_MS;
	let opened = false;
	let closed = false;

	const open = (): void => {
		timer = undefined;
		const address = new URL(url('ws'));
		address.protocol = address.protocol.replace('http', 'ws');
		address.searchParams.set('clientId', client);
		const current = new WebSocket(address);
		socket = current;
		current.binaryType = 'arraybuffer';
		current.onopen = () => {
			current.send(writeJson(FEATURES));
			pause = FIRST_PAUSE_MS;
			listener.onConnection('open');
			listener.onOpen(opened);
			opened = true;
		};
		current.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => receive(data, listener);
		current.onclose = () => {
			if (!closed) {
				listener.onConnection('lost');
				timer = setTimeout(open, pause);
				pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
			}
		};
	};
	const retryNow = (): void => {
		if (timer !== undefined) {
			clearTimeout(timer);
			open();
		}
	};

	listener.onConnection('connecting');
	open();
	window.addEventListener('online', retryNow);
	return () => {
		closed = true;
		clearTimeout(timer);
		window.removeEventListener('online', retryNow);
		socket?.close();
	};
}

function receive(data: string | ArrayBuffer, listener: Listener): void {
	if (typeof data === 'string') {
		const event = readFrame(data);
		if (event !== null) {
			listener.onEvent(event);
		}
		return;
	}
	const preview = readPreview(data);
	if (preview !== null) {
		listener.onPreview(preview);
	}
}
