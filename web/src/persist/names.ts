/** Names under which the server saves workflows: what every file system takes. */

const LONGEST = 60;
const FORBIDDEN = /[\u0000-\u001f\u007f/\\:*?"<>|]+/g;

/** The nearest name to what was typed, or empty if nothing of it can be one. */
export function nameFor(title: string): string {
	const tidy = (text: string): string => text.replace(/^[\s.]+|[\s.]+$/g, '');
	return tidy(tidy(title.replace(FORBIDDEN, ' ').replace(/\s+/g, ' ')).slice(0, LONGEST));
}
