import { pictureUrl } from '../api/http';
import type { Event } from '../api/types';
import type { RunEvent } from './api';

/** The server's events in the words of the extension API. */
export function runEvents(event: Event): readonly RunEvent[] {
	switch (event.type) {
		case 'execution_start':
			return [{ type: 'started', job: event.promptId }];
		case 'progress':
			return [{ type: 'progress', job: event.promptId, node: event.node, done: event.value, total: event.max }];
		case 'progress_state':
			return event.nodes
				.filter(({ state }) => state === 'running')
				.map(({ node, value, max }) => ({ type: 'progress', job: event.promptId, node, done: value, total: max }));
		case 'executed': {
			const { pictures, texts } = event.output;
			const addresses = pictures.map((picture) => pictureUrl(picture, event.promptId));
			return [{ type: 'result', job: event.promptId, node: event.node, pictures: addresses, texts }];
		}
		case 'execution_success':
			return [{ type: 'finished', job: event.promptId, state: 'succeeded' }];
		case 'execution_interrupted':
			return [{ type: 'finished', job: event.promptId, state: 'cancelled' }];
		case 'execution_error':
			// A branch that was passed over is told as an error, though the job goes on.
			return event.exception === 'ExecutionBlocked' ? [] : [{ type: 'finished', job: event.promptId, state: 'failed' }];
		default:
			return [];
	}
}
