/** What the server's answers mean. Fields that are missing or of another type are taken as empty. */

import { text } from '../fields';
import { isList, isObject, type Json, type JsonObject } from '../json';
import { readEvent, readOutput } from './messages';
import type { Event, Finding, HistoryEntry, MissingModel, MissingPack, ModelFile, NodeOutput, QueueItem, Reason, Refusal } from './types';
import { t } from '../i18n/i18n';

export function readRefusal(error: Json): Refusal {
	return isObject(error)
		? { type: text(error.code) || text(error.type), message: text(error.message), details: text(error.details) }
		: { type: '', message: text(error), details: '' };
}

/** The sentence in `{"error": {"message": …}}` or `{"error": …}`; empty when there is none. */
export function readErrorMessage(answer: Json): string {
	return isObject(answer) && answer.error !== undefined ? readRefusal(answer.error).message.trim() : '';
}

/** What a refusal says of single nodes. */
export function readProblems(error: Json | undefined): ReadonlyMap<string, readonly Reason[]> {
	const problems = new Map<string, readonly Reason[]>();
	for (const detail of isObject(error) && isList(error.details) ? error.details.filter(isObject) : []) {
		const node = text(detail.node);
		if (node !== '') {
			const reason = {
				type: text(detail.code),
				message: toldIn(detail) || text(detail.sentence),
				details: '',
				input: text(detail.input) || null,
			};
			problems.set(node, [...(problems.get(node) ?? []), reason]);
		}
	}
	return problems;
}

/** A list of one, or of none if it makes no sense. */
export function readModel(item: Json): ModelFile[] {
	if (!isObject(item) || typeof item.name !== 'string') {
		return [];
	}
	const { kind, name, size, family, damage } = item;
	return [{ kind: text(kind), name, size: Number(size ?? 0), family: text(family), damage: text(damage) }];
}

export function readFindings(answer: Json): Finding[] {
	const problems = isObject(answer) && isList(answer.problems) ? answer.problems.filter(isObject) : [];
	return problems.map((problem) => ({
		code: text(problem.code),
		node: text(problem.node) || null,
		input: text(problem.input) || null,
		message: toldIn(problem),
	}));
}

/** What was expected and what came, or the node's own words; its node and input are told where it stands. */
function toldIn(problem: JsonObject): string {
	const [expected, received] = [text(problem.expected), text(problem.received)];
	return expected === '' ? received : t('server.expected', { expected, received });
}

export function readMissingPacks(answer: Json): MissingPack[] {
	const missing = isObject(answer) && isList(answer.missing) ? answer.missing.filter(isObject) : [];
	return missing.map(({ kind, pack }) => ({ kind: text(kind), pack: text(pack) }));
}

export function readMissingModels(answer: Json): MissingModel[] {
	const models = isObject(answer) && isList(answer.models) ? answer.models.filter(isObject) : [];
	return models.map(({ name, folder, url, differs }) => ({
		name: text(name),
		folder: text(folder),
		url: text(url),
		differs: differs === true,
	}));
}

export function readQueueItem(item: Json): QueueItem[] {
	if (!isList(item) || typeof item[1] !== 'string') {
		return [];
	}
	const [, promptId, prompt, extra] = item;
	const data = isObject(extra) ? extra : {};
	return [
		{ promptId, prompt: isObject(prompt) ? prompt : {}, clientId: text(data.client_id) || null, title: titleOf(data) },
	];
}

export function readHistory(answer: Json): HistoryEntry[] {
	return Object.entries(isObject(answer) ? answer : {}).flatMap(([promptId, entry]) =>
		isObject(entry) ? [readHistoryEntry(promptId, entry)] : [],
	);
}

function readHistoryEntry(promptId: string, entry: JsonObject): HistoryEntry {
	const [, , prompt, extra] = isList(entry.prompt) ? entry.prompt : [];
	const status = isObject(entry.status) ? entry.status : {};
	const raw = isList(status.messages) ? status.messages : [];
	const meta = isObject(entry.meta) ? entry.meta : {};
	const outputs = new Map<string, NodeOutput>();
	for (const [id, output] of Object.entries(isObject(entry.outputs) ? entry.outputs : {})) {
		const about = meta[id];
		outputs.set((isObject(about) && text(about.display_node)) || id, readOutput(output));
	}
	const stamps = raw.map((message) => (isList(message) && isObject(message[1]) ? message[1].timestamp : 0));
	return {
		promptId,
		prompt: isObject(prompt) ? prompt : {},
		clientId: text(isObject(extra) ? extra.client_id : undefined) || null,
		title: titleOf(isObject(extra) ? extra : {}),
		outputs,
		messages: raw.flatMap(readMessage),
		succeeded: status.status_str === 'success',
		finishedAt: Math.max(0, ...stamps.map((stamp) => (typeof stamp === 'number' ? stamp : 0))),
	};
}

function readMessage(message: Json): Event[] {
	if (!isList(message) || typeof message[0] !== 'string' || !isObject(message[1])) {
		return [];
	}
	const event = readEvent(message[0], message[1]);
	return event === null ? [] : [event];
}

function titleOf(extra: JsonObject): string {
	const info = isObject(extra.extra_pnginfo) ? extra.extra_pnginfo : {};
	return isObject(info.lumengraph) ? text(info.lumengraph.title) : '';
}
