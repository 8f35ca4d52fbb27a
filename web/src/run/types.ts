import type { Connection } from '../api/socket';
import type { Why } from '../api/jobreader';
import type { Picture } from '../api/types';
import type { NodeId } from '../graph/types';

export type NodeState = 'idle' | 'queued' | 'running' | 'cached' | 'done' | 'error';

export interface NodeRun {
	readonly state: NodeState;
	readonly value: number;
	readonly max: number;
	/** Milliseconds, as this browser saw it; 0 while unknown. */
	readonly startedAt: number;
	readonly endedAt: number;
}

export interface Problem {
	/** `check`: told while editing, before any run. */
	readonly source: 'check' | 'validation' | 'execution';
	readonly message: string;
	readonly details: string;
	readonly input: string | null;
}

export interface NodeResult {
	readonly pictures: readonly Picture[];
	readonly texts: readonly string[];
	/** The job that made it. */
	readonly version: string;
}

/** A model that a node waits for. */
export interface Loading {
	readonly model: string;
	readonly phase: string;
	/** 0 to 1; null while that is not known. */
	readonly fraction: number | null;
}

export interface Job {
	readonly id: string;
	/** The graph session it was queued from; 0 when that is not known (any more). */
	readonly session: number;
	readonly title: string;
	readonly nodes: readonly NodeId[];
	readonly started: boolean;
	/** False until the server has answered the submission. */
	readonly accepted: boolean;
}

/** One picture of the results panel. */
export interface Shot {
	readonly key: string;
	readonly picture: Picture;
	readonly version: string;
	readonly title: string;
	readonly at: number;
	/** Asked for by this browser. */
	readonly own: boolean;
}

/** What runs have written on the nodes of one document. */
export interface Page {
	readonly nodes: { readonly [id: NodeId]: NodeRun };
	readonly results: { readonly [id: NodeId]: NodeResult };
	readonly previews: { readonly [id: NodeId]: string };
	readonly problems: { readonly [id: NodeId]: readonly Problem[] };
	readonly loads: { readonly [id: NodeId]: Loading };
	readonly whys: { readonly [id: NodeId]: Why };
	/** What is wrong with the whole graph rather than with a node. */
	readonly failure: { readonly message: string; readonly details: string } | null;
}

/** The page of the document on the canvas lies open in it; those of the other tabs are in `away`, by session. */
export interface RunState extends Page {
	readonly away: { readonly [session: number]: Page };
	readonly connection: Connection;
	/** What the server says is waiting or running, of all clients. */
	readonly remaining: number;
	/** How often the server's queue has changed: jobs may come and go between two looks at `remaining`. */
	readonly turns: number;
	/** This client's unfinished jobs. */
	readonly jobs: { readonly [id: string]: Job };
	readonly current: string | null;
	/** How far the current job has come: 0 to 1, and the seconds that it will still take, where that is known. */
	readonly progress: { readonly fraction: number; readonly secondsLeft: number | null } | null;
	readonly shots: readonly Shot[];
}

export const IDLE: NodeRun = { state: 'idle', value: 0, max: 0, startedAt: 0, endedAt: 0 };
export const NO_PROBLEMS: readonly Problem[] = [];

export const EMPTY_PAGE: Page = { nodes: {}, results: {}, previews: {}, problems: {}, loads: {}, whys: {}, failure: null };

export const INITIAL_RUN: RunState = {
	connection: 'connecting',
	remaining: 0,
	turns: 0,
	jobs: {},
	current: null,
	progress: null,
	...EMPTY_PAGE,
	away: {},
	shots: [],
};
