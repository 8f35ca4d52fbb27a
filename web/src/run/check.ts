/** Tells what is wrong with the graph while it is edited, before it is run. */

import { checkWorkflow, ServerError, type Checked } from '../api/http';
import { currentKinds } from '../graph/kinds';
import { substance, toRequest } from '../graph/request';
import { currentDoc, useGraph } from '../graph/store';
import { NO_PREFLIGHT } from '../api/preflight';
import { noteMissing } from '../opening/missing';
import { usePreflight } from './preflight';
import { showFindings, useRun } from './store';

const DELAY_MS = 300;
/** What is only not finished yet: told when the graph is run. */
const UNFINISHED = new Set(['required_input_missing', 'prompt_no_outputs']);
const NOTHING: Checked = { findings: [], packs: [], models: [], preflight: NO_PREFLIGHT };

/** Checks after each change that a run would see; returns the way to stop. */
export function startChecking(): () => void {
	let timer: ReturnType<typeof setTimeout> | undefined;
	let asked = '';
	const check = async (): Promise<void> => {
		const doc = currentDoc();
		const request = toRequest(doc, currentKinds());
		const text = substance(request);
		if (text === asked) {
			return;
		}
		asked = text;
		try {
			const empty = Object.keys(doc.root.nodes).length === 0;
			const { findings, packs, models, preflight } = empty ? NOTHING : await checkWorkflow(request);
			// An answer about a graph that has changed since is of no use.
			if (asked === text) {
				noteMissing(doc, currentKinds(), packs, models);
				usePreflight.setState({ ...preflight, findings, empty });
				showFindings(findings.filter(({ code }) => !UNFINISHED.has(code)));
			}
		} catch (error) {
			if (!(error instanceof ServerError)) {
				throw error;
			}
			asked = ''; // The connection's state is shown elsewhere; the next change asks again.
		}
	};
	const soon = (): void => {
		clearTimeout(timer);
		timer = setTimeout(() => void check(), DELAY_MS);
	};
	const stop = useGraph.subscribe(soon);
	// What is in the cache is another after each job.
	const stopRuns = useRun.subscribe((state, before) => {
		if (state.turns !== before.turns && state.remaining === 0) {
			asked = '';
			soon();
		}
	});
	soon();
	return () => {
		clearTimeout(timer);
		stop();
		stopRuns();
	};
}
