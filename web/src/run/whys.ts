/** After a job: why each of its nodes ran or did not. */

import { ServerError } from '../api/http';
import { fetchSteps } from '../api/jobs';
import { useGraph } from '../graph/store';
import { hearEnds } from './client';
import { onPage } from './pages';
import { useRun } from './store';

/** Asks at the end of each job of this page. Returns the way to stop. */
export function startLearningWhys(): () => void {
	return hearEnds(({ job }) => {
		if (job !== undefined && job.session !== 0) {
			void learnWhys(job.id, job.session);
		}
	});
}

async function learnWhys(job: string, session: number): Promise<void> {
	try {
		const steps = await fetchSteps(job);
		const whys = Object.fromEntries(steps.flatMap(({ node, why }) => (why === null ? [] : [[node, why] as const])));
		useRun.setState((state) => {
			const here = useGraph.getState().doc.root.session;
			if (session !== here && state.away[session] === undefined) {
				return state; // Its document is closed.
			}
			return onPage({ ...onPage(state, here, session), whys }, session, here);
		});
	} catch (error) {
		// It is only told on hover: a server that is away is told of elsewhere.
		if (!(error instanceof ServerError)) {
			throw error;
		}
	}
}
