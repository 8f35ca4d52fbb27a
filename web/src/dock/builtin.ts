/** The editor's own panels. */

import { t } from '../i18n/i18n';
import { lazyPanel, registerPanel } from './panels';

export function registerBuiltinPanels(): void {
	registerPanel({
		id: 'nodes',
		title: () => t('panels.nodes'),
		icon: 'plus',
		component: lazyPanel(() => import('./NodesPanel')),
	});
	registerPanel({
		id: 'outline',
		title: () => t('panels.outline'),
		icon: 'list',
		component: lazyPanel(() => import('./OutlinePanel')),
	});
	registerPanel({
		id: 'models',
		title: () => t('panels.models'),
		icon: 'box',
		component: lazyPanel(() => import('../inspect/ModelsPanel')),
	});
	registerPanel({
		id: 'plugins',
		title: () => t('panels.plugins'),
		icon: 'plug',
		component: lazyPanel(() => import('../inspect/PluginsPanel')),
	});
	registerPanel({
		id: 'logs',
		title: () => t('panels.logs'),
		icon: 'log',
		component: lazyPanel(() => import('../inspect/LogsPanel')),
	});
	registerPanel({
		id: 'settings',
		title: () => t('panels.settings'),
		icon: 'gear',
		component: lazyPanel(() => import('./SettingsPanel')),
	});
}
