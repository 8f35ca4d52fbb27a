/** How many dialogs lie over the page. While there is one, keys are not for the canvas. */

let open = 0;

/** Returns the way to say that it is closed. */
export function noteModal(): () => void {
	open += 1;
	return () => {
		open -= 1;
	};
}

export function isModalOpen(): boolean {
	return open > 0;
}
