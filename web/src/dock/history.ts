/** A list that is read page by page while new entries come at its top. */

import type { JobEntry } from '../api/jobreader';
import type { JobsPage } from '../api/jobs';

/** The newest jobs, as far as they were read. */
export interface Listed {
	readonly jobs: readonly JobEntry[];
	/** Where the next page begins; null: there is none. */
	readonly next: string | null;
}

export interface Reading {
	/** Reads the first page again; what was read beyond it stays. */
	readonly refresh: () => Promise<void>;
	/** Reads the page after the last one. */
	readonly more: () => Promise<void>;
	/** One is gone, on whichever page it was. */
	readonly drop: (id: string) => void;
	/** What is still on its way is not shown any more. */
	readonly stop: () => void;
}

export const NOTHING: Listed = { jobs: [], next: null };

export function startReading(
	ask: (cursor: string | null) => Promise<Pick<JobsPage, 'items' | 'next'>>,
	show: (listed: Listed) => void,
): Reading {
	let listed = NOTHING;
	let latest = 0;
	let stops = 0;
	const take = (next: Listed): void => {
		listed = next;
		show(next);
	};
	return {
		refresh: async () => {
			latest += 1;
			const mine = latest;
			const page = await ask(null);
			if (mine === latest) {
				take(withNewest(listed, page));
			}
		},
		more: async () => {
			const { next } = listed;
			const before = stops;
			if (next === null) {
				return;
			}
			const page = await ask(next);
			// A list that begins anew meanwhile does not go on here.
			if (before === stops && next === listed.next) {
				const known = new Set(listed.jobs.map(({ id }) => id));
				take({ jobs: [...listed.jobs, ...page.items.filter(({ id }) => !known.has(id))], next: page.next });
			}
		},
		drop: (gone) => take({ ...listed, jobs: listed.jobs.filter(({ id }) => id !== gone) }),
		stop: () => {
			stops += 1;
			latest += 1;
		},
	};
}

/** The first page with those older ones that were read before; without them if there may be others in between. */
export function withNewest({ jobs, next }: Listed, page: Pick<JobsPage, 'items' | 'next'>): Listed {
	const newest = new Set(page.items.map(({ id }) => id));
	const older = jobs.slice(jobs.findLastIndex(({ id }) => newest.has(id)) + 1);
	const joined = page.next !== null && older.length > 0 && older.length < jobs.length;
	return joined ? { jobs: [...page.items, ...older], next } : { jobs: page.items, next: page.next };
}
