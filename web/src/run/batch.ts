/** A thousand events a second, told once a frame: the page is redrawn no more often than it can be seen. */

/** The page draws no frames while it is in the background. */
const HIDDEN_MS = 250;

export interface Batch<T> {
	readonly add: (item: T) => void;
	/** Tell what has gathered at once. */
	readonly flush: () => void;
}

export function startBatch<T>(tell: (items: readonly T[]) => void): Batch<T> {
	let items: T[] = [];
	let frame = 0;
	let timer: ReturnType<typeof setTimeout> | undefined;
	const flush = (): void => {
		cancelAnimationFrame(frame);
		clearTimeout(timer);
		timer = undefined;
		if (items.length > 0) {
			const gathered = items;
			items = [];
			tell(gathered);
		}
	};
	return {
		add: (item) => {
			items.push(item);
			if (timer === undefined) {
				timer = setTimeout(flush, HIDDEN_MS);
				frame = requestAnimationFrame(flush);
			}
		},
		flush,
	};
}
