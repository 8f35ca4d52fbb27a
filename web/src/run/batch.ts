/**
 * A thousand events a second, told once a frame: the page is redrawn no more often than it can be seen. Ticks, which the
 * next one says all over again, are told less often: drawing them costs more than to read them.
 */

/** The page draws no frames while it is in the background. */
const HIDDEN_MS = 250;
const TICKS_MS = 60;

export interface Batch<T> {
	readonly add: (item: T) => void;
	/** Tell what has gathered at once. */
	readonly flush: () => void;
}

export function startBatch<T>(tell: (items: readonly T[]) => void, isTick: (item: T) => boolean = () => false): Batch<T> {
	let items: T[] = [];
	let told = -Infinity;
	let ticksOnly = true;
	let frame = 0;
	let timer: ReturnType<typeof setTimeout> | undefined;
	const drawn = (): void => {
		if (ticksOnly && performance.now() - told < TICKS_MS) {
			frame = requestAnimationFrame(drawn);
		} else {
			flush();
		}
	};
	const flush = (): void => {
		cancelAnimationFrame(frame);
		clearTimeout(timer);
		timer = undefined;
		if (items.length > 0) {
			const gathered = items;
			items = [];
			ticksOnly = true;
			told = performance.now();
			tell(gathered);
		}
	};
	return {
		add: (item) => {
			items.push(item);
			ticksOnly &&= isTick(item);
			if (timer === undefined) {
				timer = setTimeout(flush, HIDDEN_MS);
				frame = requestAnimationFrame(drawn);
			}
		},
		flush,
	};
}
