/** The editor's own panels. */

import { t } from '../i18n/i18n';
import { lazyPanel, registerPanel } from './panels';

export function registerBuiltinPanels(): void {
	registerPanel({
		id: 'history',
		title: () => t('panels.history'),
		icon: 'clock',
		component: lazyPanel(() => import('./HistoryPanel')),
	});
	registerPanel({
		id: 'settings',
		title: () => t('panels.settings'),
		icon: 'gear',
		component: lazyPanel(() => import('./SettingsPanel')),
	});
}
