/** The editor's own panels. */

import { t } from '../i18n/i18n';
import { lazyPanel, registerPanel } from './panels';

export function registerBuiltinPanels(): void {
	registerPanel({
		id: 'templates',
		title: () => t('panels.templates'),
		icon: 'grid',
		component: lazyPanel(() => import('../opening/TemplatesPanel')),
	});
	registerPanel({
		id: 'versions',
		title: () => t('panels.versions'),
		icon: 'clock',
		component: lazyPanel(() => import('../persist/VersionsPanel')),
	});
	registerPanel({
		id: 'settings',
		title: () => t('panels.settings'),
		icon: 'gear',
		component: lazyPanel(() => import('./SettingsPanel')),
	});
}
