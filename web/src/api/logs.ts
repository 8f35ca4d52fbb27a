/** The server's log: the last lines, and those that come. */

import { isObject, parseJson, type Json } from '../json';
import { count, object, objects, text } from '../fields';
import { getJson, url } from './http';

export const LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR'] as const;
export type Level = (typeof LEVELS)[number];

export interface LogLine {
	readonly number: number;
	/** Milliseconds since the epoch. */
	readonly at: number;
	readonly level: Level;
	readonly source: string;
	readonly text: string;
	readonly job: string;
	readonly node: string;
}

const PAGE = 500;

/** The last lines, oldest first. */
export async function fetchLog(): Promise<readonly LogLine[]> {
	return objects(object(await getJson(`v1/logs?limit=${PAGE}`)).items).map(readLine).toReversed();
}

/** Every line after that number, as it comes; the browser comes back by itself. Returns the way to stop. */
export function followLog(after: number, tell: (line: LogLine) => void): () => void {
	const source = new EventSource(url(`v1/logs/events?after=${after}`));
	source.onmessage = ({ data }: MessageEvent<string>) => {
		const item = parseJson(data);
		if (isObject(item)) {
			tell(readLine(item));
		}
	};
	return () => source.close();
}

export function readLine(item: Json): LogLine {
	const { number, line } = object(item);
	const fields = object(line);
	return {
		number: count(number),
		at: 1000 * count(fields.at),
		level: levelOf(text(fields.level)),
		source: text(fields.source),
		text: text(fields.text),
		job: text(fields.job),
		node: text(fields.node),
	};
}

/** Python lets modules have levels of their own; they count as INFO. */
function levelOf(name: string): Level {
	return name === 'CRITICAL' ? 'ERROR' : (LEVELS.find((level) => level === name) ?? 'INFO');
}
