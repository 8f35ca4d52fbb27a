/** The ids under which this browser has asked for jobs: each tab has one of its own. */

const STORAGE_KEY = 'lumengraph.clients';
const KEPT = 50;

export function noteClient(id: string): void {
	const ids = known().filter((one) => one !== id);
	try {
		localStorage.setItem(STORAGE_KEY, [id, ...ids].slice(0, KEPT).join(' '));
	} catch {
		// A browser that keeps nothing takes the pictures of other tabs for those of others.
	}
}

export function isOwnClient(id: string | null): boolean {
	return id !== null && known().includes(id);
}

function known(): readonly string[] {
	try {
		return (localStorage.getItem(STORAGE_KEY) ?? '').split(' ').filter(Boolean);
	} catch {
		return [];
	}
}
