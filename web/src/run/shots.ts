/** The pictures of the gallery: by the job that made them, and taken away. */

import { useRun } from './store';
import type { Shot } from './types';

export interface ShotGroup {
	/** The job. */
	readonly version: string;
	readonly title: string;
	readonly at: number;
	readonly shots: readonly Shot[];
}

/** One group for each job, in the order of their newest pictures. */
export function groupShots(shots: readonly Shot[]): readonly ShotGroup[] {
	const groups = new Map<string, Shot[]>();
	for (const shot of shots) {
		const known = groups.get(shot.version);
		if (known === undefined) {
			groups.set(shot.version, [shot]);
		} else {
			known.push(shot);
		}
	}
	return [...groups].map(([version, members]) => ({
		version,
		title: members[0]?.title ?? '',
		at: Math.max(...members.map(({ at }) => at)),
		shots: members,
	}));
}

export function removeShots(keys: ReadonlySet<string>): void {
	useRun.setState(({ shots }) => ({ shots: shots.filter(({ key }) => !keys.has(key)) }));
}

/** The selection after a click: one; with Ctrl one more or less; with Shift all between the last and this. */
export function selectShots(
	all: readonly string[],
	selected: ReadonlySet<string>,
	last: string | null,
	key: string,
	how: 'toggle' | 'range',
): ReadonlySet<string> {
	if (how === 'range' && last !== null) {
		const [from, to] = [all.indexOf(last), all.indexOf(key)].sort((a, b) => a - b);
		return new Set([...selected, ...all.slice(from, (to ?? 0) + 1)]);
	}
	const next = new Set(selected);
	if (!next.delete(key)) {
		next.add(key);
	}
	return next;
}
