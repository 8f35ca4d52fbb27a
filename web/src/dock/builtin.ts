/** The editor's own panels. */

import type { ComponentType } from 'react';
import { t } from '../i18n/i18n';
import type { en } from '../i18n/en';
import type { IconName } from '../panels/icons';
import { lazyPanel, registerPanel } from './panels';

type Load = () => Promise<{ readonly default: ComponentType }>;

const PANELS: readonly (readonly [keyof typeof en.panels, IconName, Load])[] = [
	['nodes', 'plus', () => import('./NodesPanel')],
	['outline', 'list', () => import('./OutlinePanel')],
	['templates', 'grid', () => import('../opening/TemplatesPanel')],
	['models', 'box', () => import('../inspect/ModelsPanel')],
	['versions', 'undo', () => import('../persist/VersionsPanel')],
	['history', 'clock', () => import('./HistoryPanel')],
	['plugins', 'plug', () => import('../inspect/PluginsPanel')],
	['logs', 'log', () => import('../inspect/LogsPanel')],
	['settings', 'gear', () => import('./SettingsPanel')],
];

export function registerBuiltinPanels(): void {
	for (const [id, icon, load] of PANELS) {
		registerPanel({ id, title: () => t(`panels.${id}`), icon, component: lazyPanel(load) });
	}
}
