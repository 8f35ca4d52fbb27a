/** Which windows of this browser have the editor open: each holds a lock as long as it lives. */

const PREFIX = 'lumengraph.window.';

export function holdWindow(id: string): void {
	// Pages that came over plain HTTP from another machine have no locks; their windows count as open.
	void navigator.locks?.request(PREFIX + id, () => new Promise<never>(() => undefined));
}

/** Null if this browser does not tell. */
export async function openWindows(): Promise<ReadonlySet<string> | null> {
	const held = (await navigator.locks?.query())?.held;
	return held === undefined
		? null
		: new Set(held.flatMap(({ name }) => (name?.startsWith(PREFIX) === true ? [name.slice(PREFIX.length)] : [])));
}
