/** Everything a person can do by key, menu or name, in one list: the keys, the menus and the palette are made from it. */

import type { en } from '../i18n/en';
import { matches, type Keys } from './keys';

export type Group = keyof typeof en.groups;

export interface Command {
	readonly id: string;
	/** In the language of the moment. */
	readonly title: () => string;
	readonly group: Group;
	/** The first is the one that menus show. */
	readonly keys?: readonly Keys[];
	/** Works while a field has the focus too. */
	readonly inFields?: boolean;
	/** Leaves the key to the browser, which tells us by an event of its own (copy, cut, paste). */
	readonly byBrowser?: boolean;
	/** A key that is held down does it once only; so does one that runs. */
	readonly once?: boolean;
	readonly enabled?: () => boolean;
	readonly run: () => void;
}

const commands = new Map<string, Command>();

/** Returns the way to take them back. A command takes the place of one of the same id. */
export function registerCommands(more: readonly Command[]): () => void {
	for (const command of more) {
		commands.set(command.id, command);
	}
	return () => {
		for (const command of more) {
			if (commands.get(command.id) === command) {
				commands.delete(command.id);
			}
		}
	};
}

export function allCommands(): readonly Command[] {
	return [...commands.values()];
}

export function commandOf(id: string): Command {
	const command = commands.get(id);
	if (command === undefined) {
		throw new Error(`There is no command "${id}".`);
	}
	return command;
}

export function isEnabled(command: Command): boolean {
	return command.enabled?.() ?? true;
}

/** False where it does not apply at the moment. */
export function runCommand(id: string): boolean {
	const command = commandOf(id);
	const enabled = isEnabled(command);
	if (enabled) {
		command.run();
	}
	return enabled;
}

/** The command that this key means, if any. */
export function commandFor(event: KeyboardEvent, inField: boolean): Command | undefined {
	return allCommands().find(
		(command) =>
			command.byBrowser !== true &&
			(!inField || command.inFields === true) &&
			command.keys?.some((keys) => matches(keys, event)) === true &&
			isEnabled(command),
	);
}
