/** A finger that rests opens the menu that the right button opens. */

import type { PointerEvent } from 'react';

const REST_MS = 550;
const STILL = 8;

export function startLongPress({ nativeEvent: { pointerType, pointerId, clientX, clientY, target } }: PointerEvent): void {
	if (pointerType !== 'touch' || !(target instanceof Element)) {
		return;
	}
	const abort = new AbortController();
	const stop = (): void => {
		clearTimeout(timer);
		abort.abort();
	};
	const timer = setTimeout(() => {
		stop();
		// The finger's leaving is no click beside the menu.
		window.addEventListener('touchend', (event) => event.preventDefault(), { capture: true, once: true, passive: false });
		// What is there now: from afar a node is real only once it is pointed at.
		const below = document.elementFromPoint(clientX, clientY) ?? target;
		below.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true, clientX, clientY }));
	}, REST_MS);
	const options = { capture: true, signal: abort.signal };
	window.addEventListener(
		'pointermove',
		(event) => {
			if (event.pointerId === pointerId && Math.hypot(event.clientX - clientX, event.clientY - clientY) > STILL) {
				stop();
			}
		},
		options,
	);
	// A second finger zooms; browsers with a long press of their own tell of it themselves.
	for (const over of ['pointerup', 'pointercancel', 'pointerdown', 'contextmenu'] as const) {
		window.addEventListener(over, stop, options);
	}
}
