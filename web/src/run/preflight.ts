/** What the last check of the graph on the canvas foretold. */

import { create } from 'zustand';
import { NO_PREFLIGHT, type Preflight } from '../api/preflight';
import type { Finding } from '../api/types';

interface Checked extends Preflight {
	readonly findings: readonly Finding[];
	/** There is nothing to run. */
	readonly empty: boolean;
}

export const usePreflight = create<Checked>()(() => ({ ...NO_PREFLIGHT, findings: [], empty: true }));
