/** Keys as text: `Mod+Shift+Z`, `Delete`, `?`. Mod is Ctrl, or Command on a Mac. */

export type Keys = string;

const MAC = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.platform);
const MODIFIERS = ['Mod', 'Alt', 'Shift'];

export function matches(keys: Keys, event: KeyboardEvent): boolean {
	const { key, modifiers } = parts(keys);
	const letter = key.length === 1;
	const typed = letter && modifiers.has('Alt') ? underAlt(event) : event.key;
	return (
		(letter ? typed.toLowerCase() === key.toLowerCase() : typed === key) &&
		(event.ctrlKey || event.metaKey) === modifiers.has('Mod') &&
		event.altKey === modifiers.has('Alt') &&
		// A sign such as ? may need Shift on one keyboard and not on another.
		(event.shiftKey === modifiers.has('Shift') || (letter && !/[a-z0-9]/i.test(key)))
	);
}

/** As people read it. */
export function keysText(keys: Keys): string {
	const { key, modifiers } = parts(keys);
	const names: Readonly<Record<string, string>> = {
		ArrowLeft: '←',
		ArrowRight: '→',
		ArrowUp: '↑',
		ArrowDown: '↓',
		Delete: 'Del',
		Escape: 'Esc',
		' ': 'Space',
		Mod: MAC ? '⌘' : 'Ctrl',
		Alt: MAC ? '⌥' : 'Alt',
		Shift: MAC ? '⇧' : 'Shift',
	};
	const shown = [...MODIFIERS.filter((name) => modifiers.has(name)), key].map((name) => names[name] ?? (name.length === 1 ? name.toUpperCase() : name));
	return shown.join(MAC ? '' : '+');
}

/** On a Mac, Alt makes another sign of a letter or digit: then the key counts by its place. */
function underAlt(event: KeyboardEvent): string {
	const place = MAC && !/^[a-z0-9]$/i.test(event.key) ? /^(?:Key|Digit)(.)$/.exec(event.code)?.[1] : undefined;
	return place ?? event.key;
}

function parts(keys: Keys): { key: string; modifiers: ReadonlySet<string> } {
	const all = keys === '+' ? ['+'] : keys.split(/\+(?=.)/);
	return { key: all.at(-1) ?? '', modifiers: new Set(all.slice(0, -1)) };
}
