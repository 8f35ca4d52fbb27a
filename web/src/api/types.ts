import type { JsonObject } from '../json';

export interface WorkflowEntry {
	readonly name: string;
	readonly title: string;
	readonly description: string;
}

/** A file the server shows at `/view`. */
export interface Picture {
	readonly filename: string;
	readonly subfolder: string;
	readonly type: string;
}

/** A model file; `name` is what nodes choose it by. */
export interface ModelFile {
	readonly kind: string;
	readonly name: string;
	/** In bytes. */
	readonly size: number;
	/** Empty if its tensors do not tell. */
	readonly family: string;
	/** Why it cannot be read, or empty. */
	readonly damage: string;
}

export interface Reason {
	readonly type: string;
	readonly message: string;
	readonly details: string;
	readonly input: string | null;
}

export interface Refusal {
	readonly type: string;
	readonly message: string;
	readonly details: string;
}

/** One thing that is wrong with a graph that was only checked; without a node it is about the whole. */
export interface Finding {
	readonly code: string;
	readonly node: string | null;
	readonly input: string | null;
	readonly message: string;
}

/** A kind that is not here, and the pack that has it. */
export interface MissingPack {
	readonly kind: string;
	readonly pack: string;
}

/** A model file that is not here, or (`differs`) is another one of the same name. */
export interface MissingModel {
	readonly name: string;
	readonly folder: string;
	readonly url: string;
	readonly differs: boolean;
}

export interface Submitted {
	/** Null when the server refused the prompt. */
	readonly promptId: string | null;
	readonly refusal: Refusal | null;
	readonly problems: ReadonlyMap<string, readonly Reason[]>;
}

export interface QueueItem {
	readonly promptId: string;
	readonly prompt: JsonObject;
	readonly clientId: string | null;
	readonly title: string;
}

export interface QueueState {
	readonly running: readonly QueueItem[];
	readonly pending: readonly QueueItem[];
}

export interface HistoryEntry {
	readonly promptId: string;
	readonly prompt: JsonObject;
	readonly clientId: string | null;
	readonly title: string;
	readonly outputs: ReadonlyMap<string, NodeOutput>;
	readonly messages: readonly Event[];
	readonly succeeded: boolean;
	/** Milliseconds since the epoch, 0 when the server did not say. */
	readonly finishedAt: number;
}

export interface NodeOutput {
	readonly pictures: readonly Picture[];
	readonly texts: readonly string[];
}

export interface NodeProgress {
	readonly node: string;
	readonly state: string;
	readonly value: number;
	readonly max: number;
}

export type Event =
	| { readonly type: 'status'; readonly remaining: number }
	| { readonly type: 'execution_start'; readonly promptId: string }
	| { readonly type: 'execution_cached'; readonly promptId: string; readonly nodes: readonly string[] }
	| { readonly type: 'executing'; readonly promptId: string | null; readonly node: string | null }
	| {
			readonly type: 'progress';
			readonly promptId: string;
			readonly node: string;
			readonly value: number;
			readonly max: number;
	  }
	| { readonly type: 'progress_state'; readonly promptId: string; readonly nodes: readonly NodeProgress[] }
	| {
			readonly type: 'job_progress';
			readonly promptId: string;
			/** 0 to 1. */
			readonly fraction: number;
			readonly secondsLeft: number | null;
	  }
	| {
			readonly type: 'model_loading';
			readonly promptId: string;
			readonly node: string;
			readonly model: string;
			readonly phase: string;
			/** 0 to 1; null while that is not known. */
			readonly fraction: number | null;
			/** False once it is there, or will not come. */
			readonly loading: boolean;
	  }
	| { readonly type: 'executed'; readonly promptId: string; readonly node: string; readonly output: NodeOutput }
	| { readonly type: 'execution_success'; readonly promptId: string }
	| { readonly type: 'execution_interrupted'; readonly promptId: string; readonly node: string }
	| {
			readonly type: 'execution_error';
			readonly promptId: string;
			readonly node: string;
			readonly message: string;
			readonly exception: string;
			readonly traceback: string;
	  };

export interface Preview {
	/** Null for the legacy frame, which does not say whose it is. */
	readonly node: string | null;
	readonly promptId: string | null;
	readonly image: Blob;
}
