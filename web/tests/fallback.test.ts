import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { afterEach, expect, test, vi } from 'vitest';
import { Fallback } from '../src/Fallback';
import { speak } from '../src/i18n/i18n';

afterEach(async () => {
	await speak('en');
	vi.unstubAllGlobals();
});

test('that the editor failed is told in the language of the page', async () => {
	vi.stubGlobal('document', { documentElement: { lang: '' } });
	await speak('de');
	const fallback = new Fallback({ children: null });
	Object.assign(fallback.state, Fallback.getDerivedStateFromError(new Error('kaputt')));
	const shown = renderToStaticMarkup(createElement('main', null, fallback.render()));

	expect(shown).toContain('Der Editor ist gescheitert: kaputt');
	expect(shown).toContain('Neu laden');
	expect(shown).toContain('Den Graphen beiseitelegen und neu anfangen');
});
