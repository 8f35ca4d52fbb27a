/** The browser's own database, in which open tabs are kept with their logs. A thin wrapper over IndexedDB. */

import type { Doc } from '../graph/doc';
import type { Operation } from '../graph/log';
import type { Entered } from '../graph/store';

export interface KeptWindow {
	readonly id: string;
	/** Drafts of its tabs, in order. */
	readonly tabs: readonly string[];
	/** Drafts of those that were closed lately; windows that an earlier version kept have none. */
	readonly closed?: readonly string[];
	readonly active: string;
	readonly at: number;
}

export interface KeptTab {
	readonly draft: string;
	readonly name: string | null;
	readonly etag: string | null;
	/** How many edits were made when it was saved; null: it is saved nowhere. */
	readonly saved: number | null;
	readonly doc: Doc;
	readonly path: readonly Entered[];
	readonly done: number;
	/** How many operations its log has. */
	readonly count: number;
}

/** What is to be written, all of it or nothing. */
export interface Writing {
	readonly window: KeptWindow;
	readonly tabs: readonly { readonly tab: KeptTab; readonly from: number; readonly operations: readonly Operation[] }[];
	readonly gone: readonly string[];
}

const NAME = 'lumengraph';
const VERSION = 1;
const STORES = ['windows', 'tabs', 'operations'];

let opening: Promise<IDBDatabase> | undefined;

export async function readWindows(): Promise<readonly KeptWindow[]> {
	const database = await open();
	return result<KeptWindow[]>(database.transaction('windows').objectStore('windows').getAll());
}

export async function readTab(draft: string): Promise<{ tab: KeptTab; operations: readonly Operation[] } | null> {
	const transaction = (await open()).transaction(['tabs', 'operations']);
	const [tab, operations] = await Promise.all([
		result<KeptTab | undefined>(transaction.objectStore('tabs').get(draft)),
		result<Operation[]>(transaction.objectStore('operations').getAll(allOf(draft))),
	]);
	return tab === undefined ? null : { tab, operations };
}

/** Of each log only what is behind `from` is written; what was there beyond is removed. */
export async function write({ window, tabs, gone }: Writing): Promise<void> {
	await inOne((transaction) => {
		transaction.objectStore('windows').put(window);
		for (const { tab, from, operations } of tabs) {
			transaction.objectStore('tabs').put(tab);
			const store = transaction.objectStore('operations');
			store.delete(IDBKeyRange.bound([tab.draft, from], [tab.draft, Infinity]));
			operations.forEach((operation, index) => store.put(operation, [tab.draft, from + index]));
		}
		for (const draft of gone) {
			transaction.objectStore('tabs').delete(draft);
			transaction.objectStore('operations').delete(allOf(draft));
		}
	});
}

/** Forgets a window, but not its tabs. */
export async function forgetWindow(id: string): Promise<void> {
	await inOne((transaction) => transaction.objectStore('windows').delete(id));
}

function open(): Promise<IDBDatabase> {
	opening ??= new Promise((resolve, reject) => {
		const request = indexedDB.open(NAME, VERSION);
		request.onupgradeneeded = () => {
			const database = request.result;
			database.createObjectStore('windows', { keyPath: 'id' });
			database.createObjectStore('tabs', { keyPath: 'draft' });
			database.createObjectStore('operations');
		};
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
		request.onblocked = () => reject(new Error('The database is in use by an older page.'));
	});
	return opening;
}

async function inOne(change: (transaction: IDBTransaction) => void): Promise<void> {
	const transaction = (await open()).transaction(STORES, 'readwrite');
	change(transaction);
	await new Promise<void>((resolve, reject) => {
		transaction.oncomplete = () => resolve();
		transaction.onabort = () => reject(transaction.error);
		transaction.onerror = () => reject(transaction.error);
	});
}

function allOf(draft: string): IDBKeyRange {
	return IDBKeyRange.bound([draft, 0], [draft, Infinity]);
}

function result<T>(request: IDBRequest): Promise<T> {
	return new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result as T);
		request.onerror = () => reject(request.error);
	});
}
