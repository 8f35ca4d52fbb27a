import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { selectNodes, startFlow } from '../src/canvas/flow';
import { startShortcuts } from '../src/canvas/shortcuts';
import { registerBuiltin } from '../src/commands/builtin';
import { commandOf, registerCommands } from '../src/commands/registry';
import { docOf } from '../src/graph/doc';
import { readDocument } from '../src/graph/document';
import { useKinds } from '../src/graph/kinds';
import { NO_LOG } from '../src/graph/log';
import { currentGraph, useGraph } from '../src/graph/store';
import { t } from '../src/i18n/i18n';
import { useToasts } from '../src/panels/toasts';
import { noteModal } from '../src/ui/modality';
import { KINDS } from './kinds';

const { page, Element } = vi.hoisted(() => {
	const kept = new Map<string, string>();
	class Element {
		constructor(readonly tag: string) {}
		matches(selector: string): boolean {
			return selector.split(', ').includes(this.tag);
		}
		closest(): null {
			return null;
		}
	}
	const page = Object.assign(new EventTarget(), { querySelector: () => null, activeElement: null });
	const navigator = { languages: ['en'], platform: '' };
	const window = Object.assign(new EventTarget(), { getSelection: () => null });
	const localStorage = {
		getItem: (key: string) => kept.get(key) ?? null,
		setItem: (key: string, value: string) => kept.set(key, value),
	};
	const globals = {
		navigator, localStorage, window, document: page, Element, HTMLElement: Element, HTMLInputElement: class {},
	};
	for (const [name, value] of Object.entries(globals)) {
		Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
	}
	return { page, Element };
});

const KEY = { key: '', code: '', altKey: false, shiftKey: false, ctrlKey: false, metaKey: false, repeat: false };
const GRAPH = readDocument({ lumengraph: 2, nodes: { a: { kind: 'EmptyLatentImage' }, b: { kind: 'SaveImage' } } }, KINDS);
const nodes = (): string[] => Object.keys(currentGraph().nodes);

function fire(on: EventTarget, type: string, fields: object, tag = 'div', taken = false): Event {
	const event = Object.assign(new Event(type, { cancelable: true }), fields);
	Object.defineProperty(event, 'target', { value: new Element(tag) });
	if (taken) {
		event.preventDefault();
	}
	on.dispatchEvent(event);
	return event;
}

function press(key: string, more: Partial<typeof KEY> = {}, tag = 'div', taken = false): Event {
	return fire(window, 'keydown', { ...KEY, key, ...more }, tag, taken);
}

/** What a copy, cut or paste event brings and takes. */
function clipboard(type: 'copy' | 'cut' | 'paste', text = ''): string | null {
	let taken: string | null = null;
	const clipboardData = { getData: () => text, files: [], setData: (_type: string, next: string) => (taken = next) };
	fire(page, type, { clipboardData });
	return taken;
}

let ran: string[] = [];
const command = (id: string, keys: string, more: object = {}) => ({
	id, title: () => id, group: 'edit' as const, keys: [keys], run: () => ran.push(id), ...more,
});

beforeAll(() => {
	startFlow();
	startShortcuts();
	registerBuiltin();
	registerCommands([
		command('test-enter', 'Enter'),
		command('test-letter', 'q'),
		command('test-held', 'Mod+h'),
		command('test-once', 'Mod+j', { once: true }),
	]);
	useKinds.getState().set(KINDS);
});

beforeEach(() => {
	ran = [];
	useGraph.getState().show({ doc: docOf(GRAPH), log: NO_LOG, path: [] });
	selectNodes(['a']);
});

describe('keys', () => {
	test.each(['button', 'a[href]', 'summary', '[role=button]', '[role^=menuitem]'])('Enter on %s presses it', (tag) => {
		const event = press('Enter', {}, tag);

		expect(ran).toEqual([]);
		expect(event.defaultPrevented).toBe(false);
	});

	test('other keys on a button are for the canvas, but letters in a menu choose', () => {
		press('Enter');
		press('q', {}, 'button');
		press('q', {}, '[role^=menuitem]');

		expect(ran).toEqual(['test-enter', 'test-letter']);
	});

	test('a key without modifiers that somebody has taken is no command', () => {
		press('q', {}, 'div', true);
		press('h', { ctrlKey: true }, 'div', true);

		expect(ran).toEqual(['test-held']);
	});

	test('a key that is held down saves once', () => {
		press('j', { ctrlKey: true });
		press('j', { ctrlKey: true, repeat: true });
		press('h', { ctrlKey: true, repeat: true });

		expect(ran).toEqual(['test-once', 'test-held']);
		expect(commandOf('save').once).toBe(true);
	});
});

describe('the clipboard', () => {
	test('copies, cuts and pastes what is selected', () => {
		const copied = clipboard('cut') ?? '';

		expect(nodes()).toEqual(['b']);

		clipboard('paste', copied);

		expect(nodes()).toEqual(['b', 'a']);
	});

	test('is not for the canvas while a dialog lies over it', () => {
		const copied = clipboard('copy') ?? '';
		const close = noteModal();
		press('q');

		expect(clipboard('copy')).toBeNull();
		expect(clipboard('cut')).toBeNull();
		clipboard('paste', copied);
		expect(nodes()).toEqual(['a', 'b']);
		expect(ran).toEqual([]);

		close();

		expect(clipboard('copy')).toBe(copied);
	});
});

describe('the clipboard from a menu', () => {
	afterEach(() => {
		vi.unstubAllGlobals();
		useToasts.setState({ toasts: [] });
	});

	test('without TLS copies by the browser, and says that it cannot paste', async () => {
		const field = { value: '', select: () => undefined, remove: () => undefined };
		const copied: string[] = [];
		const execCommand = (): number => copied.push(field.value);
		vi.stubGlobal('document', { createElement: () => field, body: { append: () => undefined }, execCommand });
		commandOf('cut').run();
		await vi.waitFor(() => expect(nodes()).toEqual(['b']));

		expect(copied).toHaveLength(1);
		expect(copied[0]).toContain('EmptyLatentImage');

		commandOf('paste').run();
		await vi.waitFor(() => expect(useToasts.getState().toasts).toHaveLength(1));

		expect(useToasts.getState().toasts[0]?.text).toBe(t('clipboard.closed', { keys: 'Ctrl+V' }));
	});

	test('keeps what it holds where nothing is selected', async () => {
		const write = vi.fn();
		vi.stubGlobal('navigator', { clipboard: { writeText: write } });
		selectNodes([]);
		commandOf('copy').run();
		commandOf('cut').run();
		await Promise.resolve();

		expect(write).not.toHaveBeenCalled();
		expect(nodes()).toEqual(['a', 'b']);
	});
});
