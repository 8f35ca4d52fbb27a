import { afterEach, describe, expect, test, vi } from 'vitest';

type Pressed = Partial<Pick<KeyboardEvent, 'key' | 'code' | 'altKey' | 'shiftKey' | 'ctrlKey' | 'metaKey'>>;

const NONE = { key: '', code: '', altKey: false, shiftKey: false, ctrlKey: false, metaKey: false };
const press = (event: Pressed): KeyboardEvent => ({ ...NONE, ...event }) as KeyboardEvent;

/** The module looks once which machine it is on. */
async function matchesOn(platform: string) {
	vi.resetModules();
	vi.stubGlobal('navigator', { platform });
	return (await import('../src/commands/keys')).matches;
}

afterEach(() => vi.unstubAllGlobals());

describe('keys on a Mac', () => {
	test('a letter or digit with Alt counts by its place, since it types another sign', async () => {
		const matches = await matchesOn('MacIntel');

		expect(matches('Alt+c', press({ key: 'ç', code: 'KeyC', altKey: true }))).toBe(true);
		expect(matches('Alt+n', press({ key: 'Dead', code: 'KeyN', altKey: true }))).toBe(true);
		expect(matches('Alt+1', press({ key: '¡', code: 'Digit1', altKey: true }))).toBe(true);
		expect(matches('Alt+Shift+w', press({ key: '„', code: 'KeyW', altKey: true, shiftKey: true }))).toBe(true);
		expect(matches('Mod+Alt+s', press({ key: 'ß', code: 'KeyS', altKey: true, metaKey: true }))).toBe(true);
		expect(matches('Alt+c', press({ key: '√', code: 'KeyV', altKey: true }))).toBe(false);
	});

	test('without Alt, and where Alt leaves the letter, the sign counts', async () => {
		const matches = await matchesOn('MacIntel');

		expect(matches('c', press({ key: 'ç', code: 'KeyC' }))).toBe(false);
		expect(matches('Alt+w', press({ key: 'w', code: 'KeyZ', altKey: true }))).toBe(true);
		expect(matches('Alt+z', press({ key: 'w', code: 'KeyZ', altKey: true }))).toBe(false);
	});
});

test('elsewhere AltGr, which is Ctrl and Alt, types its sign', async () => {
	const matches = await matchesOn('Win32');

	expect(matches('Mod+Alt+s', press({ key: 'ś', code: 'KeyS', altKey: true, ctrlKey: true }))).toBe(false);
	expect(matches('Mod+Alt+s', press({ key: 's', code: 'KeyS', altKey: true, ctrlKey: true }))).toBe(true);
	expect(matches('Alt+ArrowDown', press({ key: 'ArrowDown', code: 'ArrowDown', altKey: true }))).toBe(true);
});
