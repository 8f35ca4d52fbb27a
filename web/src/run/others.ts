/** Jobs of other clients, for those who want to see them. */

import { usePrefs } from '../prefs';
import { loadOthers } from './recover';
import { useRun } from './store';
import { tell } from './submit';

/** While their pictures are wanted, asks for them whenever the queue has changed. Returns the way to stop. */
export function followOthers(): () => void {
	const ask = (): void => void tell(loadOthers);
	const stops = [
		usePrefs.subscribe((prefs, before) => {
			if (prefs.others && !before.others) {
				ask();
			}
		}),
		useRun.subscribe((state, before) => {
			if (state.turns !== before.turns && usePrefs.getState().others) {
				ask();
			}
		}),
	];
	return () => stops.forEach((stop) => stop());
}
