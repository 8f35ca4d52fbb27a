/** Words in the reader's language: English at once, another catalogue when it has arrived. */

import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { en, type Messages } from './en';

declare module 'i18next' {
	interface CustomTypeOptions {
		resources: { translation: typeof en };
	}
}

export type Language = 'en' | 'de';
export const LANGUAGES: Readonly<Record<Language, string>> = { en: 'English', de: 'Deutsch' };

const CATALOGUES: Readonly<Record<Exclude<Language, 'en'>, () => Promise<Messages>>> = {
	de: async () => (await import('./de')).de,
};

void i18next.use(initReactI18next).init({
	lng: 'en',
	fallbackLng: 'en',
	resources: { en: { translation: en } },
	interpolation: { escapeValue: false }, // React does that.
	initAsync: false,
});

export const { t } = i18next;

/** The browser's language, if there is a catalogue for it. */
export function preferredLanguage(): Language {
	const tags = typeof navigator === 'undefined' ? [] : navigator.languages;
	const found = tags.map((tag) => tag.slice(0, 2)).find((tag) => tag in LANGUAGES);
	return (found as Language | undefined) ?? 'en';
}

export async function speak(language: Language): Promise<void> {
	if (language !== 'en' && !i18next.hasResourceBundle(language, 'translation')) {
		i18next.addResourceBundle(language, 'translation', await CATALOGUES[language]());
	}
	await i18next.changeLanguage(language);
	document.documentElement.lang = language;
}
