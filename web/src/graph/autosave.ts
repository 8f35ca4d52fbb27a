/** The graph in the browser's own storage, so that closing the tab loses nothing. */

import { writeJson } from '../json';
import type { Doc } from './doc';
import { DocumentError, writeDoc } from './document';
import { readText } from './open';
import { useGraph } from './store';
import type { Kinds } from './types';

const KEY = 'lumengraph.autosave';
const DELAY_MS = 400;

export function restore(kinds: Kinds): Doc | null {
	const text = read();
	if (text === null) {
		return null;
	}
	try {
		const doc = readText(text, kinds);
		return Object.keys(doc.root.nodes).length > 0 ? doc : null;
	} catch (error) {
		if (error instanceof DocumentError) {
			return null;
		}
		throw error;
	}
}

/** Keeps a graph that cannot be drawn under another name, so that the editor opens without it. */
export function setAside(): void {
	localStorage.setItem(`${KEY}.aside`, localStorage.getItem(KEY) ?? '');
	localStorage.removeItem(KEY);
}

/** Saves after each change; returns the way to stop. */
export function startAutosave(onFailure: () => void): () => void {
	let timer: ReturnType<typeof setTimeout> | undefined;
	let saved = useGraph.getState().doc;
	let failed = false;
	const save = (): void => {
		clearTimeout(timer);
		timer = undefined;
		const { doc } = useGraph.getState();
		if (doc === saved) {
			return;
		}
		saved = doc;
		try {
			localStorage.setItem(KEY, writeJson(writeDoc(doc)));
			failed = false;
		} catch {
			if (!failed) {
				onFailure();
			}
			failed = true;
		}
	};
	const stop = useGraph.subscribe(() => {
		timer ??= setTimeout(save, DELAY_MS);
	});
	window.addEventListener('pagehide', save);
	return () => {
		save();
		stop();
		window.removeEventListener('pagehide', save);
	};
}

function read(): string | null {
	try {
		return localStorage.getItem(KEY);
	} catch {
		return null;
	}
}
