/** Loads the extensions that the server names. One that fails is noted, and the others and the editor go on. */

import { fetchExtensions, type Extension } from '../api/packs';
import { ServerError, url } from '../api/http';
import { t } from '../i18n/i18n';
import { showToast } from '../panels/toasts';
import { API_VERSION, type ExtensionModule } from './api';
import { makeApi, type Guard } from './make';
import { note, useExtensions, type ExtensionState } from './state';

export async function loadExtensions(): Promise<void> {
	try {
		const told = await fetchExtensions();
		useExtensions.setState({ extensions: told.map(first), failure: '' });
		await Promise.all(told.filter(isOurs).map(load));
	} catch (error) {
		if (!(error instanceof ServerError)) {
			throw error;
		}
		useExtensions.setState({ failure: error.message });
	}
}

/** Before it is loaded: many are not to be. */
function first(told: Extension): ExtensionState {
	if (told.error !== null) {
		return { told, state: 'failed', error: told.error };
	}
	if (!isOurs(told) && told.api !== null) {
		const error = t('inspect.extensions.version', { wanted: told.api, have: API_VERSION });
		return { told, state: 'failed', error };
	}
	return { told, state: isOurs(told) ? 'loading' : 'foreign', error: '' };
}

function isOurs(told: Extension): told is Extension & { readonly module: string } {
	return told.module !== null && told.api === API_VERSION;
}

async function load(told: Extension & { readonly module: string }): Promise<void> {
	const { name } = told;
	const guard = guardOf(name);
	try {
		const { activate } = (await import(/* @vite-ignore */ url(told.module))) as ExtensionModule;
		if (typeof activate !== 'function') {
			throw new TypeError(t('inspect.extensions.noActivate'));
		}
		await activate(makeApi(name, guard));
		const { extensions } = useExtensions.getState();
		if (extensions.some((one) => one.told.name === name && one.state === 'loading')) {
			note(name, { state: 'loaded' });
		}
	} catch (error) {
		fail(name, error);
	}
}

function guardOf(name: string): Guard {
	return (part, otherwise) => {
		try {
			const given = part();
			if (given instanceof Promise) {
				given.catch((error: unknown) => fail(name, error));
			}
			return given;
		} catch (error) {
			fail(name, error);
			return otherwise;
		}
	};
}

function fail(name: string, error: unknown): void {
	const reason = error instanceof Error ? error.message : String(error);
	const stack = error instanceof Error ? (error.stack ?? '') : '';
	note(name, { state: 'failed', error: stack.includes(reason) ? stack : [reason, stack].filter(Boolean).join('\n') });
	showToast('error', t('inspect.extensions.failed', { name, reason }));
}
