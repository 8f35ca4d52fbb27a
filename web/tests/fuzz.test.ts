import { beforeAll, describe, expect, test, vi } from 'vitest';
import { connect, cutLink, endsOf, setInput } from '../src/canvas/commands';
import { selectNodes, startFlow, useFlow } from '../src/canvas/flow';
import { addPoint } from '../src/canvas/pointing';
import { copySelected, pasteText, removeSelected } from '../src/canvas/selection';
import { registerBuildingCommands } from '../src/commands/building';
import { registerBuiltin } from '../src/commands/builtin';
import { enter, registerGraphCommands } from '../src/commands/graph';
import { commandOf, isEnabled } from '../src/commands/registry';
import { addNode, rename } from '../src/graph/edit';
import { emptyDoc } from '../src/graph/doc';
import { writeDoc } from '../src/graph/document';
import { useKinds } from '../src/graph/kinds';
import { NO_LOG } from '../src/graph/log';
import { promote } from '../src/graph/packing';
import { currentDoc, currentGraph, editGraph, useGraph } from '../src/graph/store';
import { definitionOf } from '../src/graph/subgraphs';
import { writeJson } from '../src/json';
import { KINDS } from './kinds';

// The modules of the page look at the browser as they are loaded.
vi.hoisted(() => {
	const kept = new Map<string, string>();
	Object.defineProperty(globalThis, 'navigator', { value: { languages: ['en'], platform: '' }, configurable: true });
	Object.defineProperty(globalThis, 'localStorage', {
		value: {
			getItem: (key: string) => kept.get(key) ?? null,
			setItem: (key: string, value: string) => kept.set(key, value),
			removeItem: (key: string) => kept.delete(key),
		},
	});
	Object.defineProperty(globalThis, 'document', { value: { querySelector: () => null, activeElement: null } });
});

const EDITS = 500;
/** Commands that need no page, and are edits of the graph. */
const COMMANDS = [
	'duplicate', 'makeSubgraph', 'unpack', 'addFrame', 'addNote', 'mute', 'bypass', 'collapse', 'pin', 'leave',
	'alignLeft', 'alignTop', 'alignMiddle', 'distributeAcross', 'distributeDown', 'selectAll',
];

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
function numbers(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
	};
}

const written = (): string => writeJson(writeDoc(currentDoc()));

/** From where on two texts differ, short enough to be read. */
function differing(a: string, b: string): string {
	const at = [...a].findIndex((letter, index) => letter !== b[index]);
	return a === b ? '' : `${a.slice(Math.max(0, at - 60), at + 120)} | ${b.slice(Math.max(0, at - 60), at + 120)}`;
}

function randomEdit(random: () => number): string {
	const pick = <T,>(all: readonly T[]): T | undefined => all[Math.floor(random() * all.length)];
	const nodes = Object.values(currentGraph().nodes);
	const some = useFlow.getState().nodes.filter(() => random() < 0.3).map(({ id }) => id);
	const edge = pick(useFlow.getState().edges);
	const action = pick([
		'add', 'add', 'add', 'link', 'link', 'link', 'cut', 'set', 'rename', 'remove', 'paste', 'point', 'point', 'enter', 'promote',
		...COMMANDS,
	])!;
	switch (action) {
		case 'add': {
			const kind = pick([...useKinds.getState().kinds.values()].filter((info) => definitionOf(info.kind) === null));
			editGraph((graph) => addNode(graph, kind!, { x: random() * 2000, y: random() * 2000 }).graph);
			break;
		}
		case 'link': {
			const source = pick(useFlow.getState().nodes)?.id ?? '';
			const target = pick(nodes);
			const info = target && useKinds.getState().kinds.get(target.kind);
			const input = pick(info?.inputs ?? [])?.name;
			const ends = endsOf({
				source,
				target: target?.id ?? null,
				sourceHandle: `out:${Math.floor(random() * 3)}`,
				targetHandle: `in:${input}`,
			});
			if (ends !== null) {
				connect(ends);
			}
			break;
		}
		case 'cut':
			if (edge !== undefined) {
				cutLink(edge.target, edge.data!.input);
			}
			break;
		case 'set':
			setInput(pick(nodes)?.id ?? '', pick(['text', 'steps', 'width', 'seed'])!, Math.floor(random() * 64));
			break;
		case 'rename': {
			const id = pick(nodes)?.id ?? '';
			editGraph((graph) => rename(graph, id, `Title ${Math.floor(random() * 9)}`));
			break;
		}
		case 'remove':
			selectNodes(some.slice(0, 2));
			removeSelected();
			break;
		case 'paste':
			selectNodes(some.slice(0, 3));
			pasteText(copySelected() ?? '');
			break;
		case 'point':
			if (edge !== undefined) {
				addPoint(edge, { x: random() * 1000, y: random() * 1000 });
			}
			break;
		case 'enter':
			enter(pick(nodes.filter(({ kind }) => definitionOf(kind) !== null))?.id ?? '');
			break;
		case 'promote': {
			const node = pick(nodes);
			const input = pick(Object.keys(node?.inputs ?? {}));
			if (useGraph.getState().path.length > 0 && node !== undefined && input !== undefined) {
				editGraph((graph) => promote(graph, node.id, input, useKinds.getState().kinds));
			}
			break;
		}
		default: {
			// Unpacking and packing act on what is selected, so one instance is offered now and then.
			const instance = pick(nodes.filter(({ kind }) => definitionOf(kind) !== null))?.id;
			selectNodes(action === 'unpack' && instance !== undefined ? [instance] : some.slice(0, 6));
			const command = commandOf(action);
			if (isEnabled(command)) {
				command.run();
			}
		}
	}
	return action;
}

describe('random edits', () => {
	beforeAll(() => {
		useKinds.getState().set(KINDS);
		registerBuiltin();
		registerGraphCommands();
		registerBuildingCommands();
		startFlow();
	});

	test.each([1, 2, 3])('are undone to the start and done again to the end, with seed %i', (seed) => {
		useGraph.getState().show({ doc: emptyDoc(), log: NO_LOG, path: [] });
		const random = numbers(seed);
		const start = written();
		const states = [start];
		const done: string[] = [];
		let most = 0;
		while (done.length < EDITS) {
			const before = useGraph.getState().log.done;
			const action = randomEdit(random);
			if (useGraph.getState().log.done > before) {
				states.push(written());
				done.push(action);
				most = Math.max(most, Object.keys(currentDoc().subgraphs).length);
			} else if (written() !== states.at(-1)) {
				// Joined with the operation before it.
				states[states.length - 1] = written();
			}
		}
		const end = currentDoc();

		expect(most).toBeGreaterThan(2);
		expect(new Set(done).size).toBeGreaterThan(15);

		for (let step = states.length - 2; step >= 0; step -= 1) {
			useGraph.getState().undo();

			expect(differing(written(), states[step]!), `undoing ${done[step]} (${step})`).toBe('');
		}

		expect(useGraph.getState().log.done).toBe(0);

		for (let step = 1; step < states.length; step += 1) {
			useGraph.getState().redo();

			expect(differing(written(), states[step]!), `doing ${done[step - 1]} (${step}) again`).toBe('');
		}

		expect(currentDoc()).toEqual(end);
	}, 120_000);
});
