import { ReactFlowProvider } from '@xyflow/react';
import { useTranslation } from 'react-i18next';
import { useBoot } from './boot';
import { Canvas } from './canvas/Canvas';
import { useGraph } from './graph/store';
import { NoticeBar } from './persist/NoticeBar';
import { Dialogs } from './commands/Dialogs';
import { Dock } from './dock/Dock';
import { ContextMenu } from './panels/ContextMenu';
import { Lightbox } from './panels/Lightbox';
import { Preflight } from './panels/Preflight';
import { RunNews } from './panels/RunNews';
import { SearchPalette } from './panels/SearchPalette';
import { SidePanel } from './panels/SidePanel';
import { Toasts } from './panels/Toasts';
import { Toolbar } from './panels/Toolbar';
import { Tooltips } from './panels/Tooltips';
import { TabBar } from './tabs/TabBar';
import { t } from './i18n/i18n';

export function App() {
	const { ready, waiting } = useBoot();
	const { i18n } = useTranslation();
	if (!ready) {
		return (
			<div className="app starting" role="status">
				<img src="./favicon.svg" alt="" width="48" height="48" />
				<p>{waiting === '' ? t('common.loading') : t('app.again', { reason: waiting })}</p>
				<Toasts />
			</div>
		);
	}
	return (
		<ReactFlowProvider>
			<div className="app" data-testid="editor-ready" key={i18n.language}>
				<Toolbar />
				<Dock />
				<main>
					<TabBar />
					<Preflight />
					<div className="canvas-area">
						<NoticeBar />
						<Canvas />
						<EmptyHint />
					</div>
				</main>
				<SidePanel />
				<SearchPalette />
				<ContextMenu />
				<Lightbox />
				<Dialogs />
				<Toasts />
				<RunNews />
				<Tooltips />
			</div>
		</ReactFlowProvider>
	);
}

function EmptyHint() {
	const empty = useGraph((state) => Object.keys(state.graph.nodes).length === 0);
	return empty ? (
		<div className="empty">
			<p>{t('app.empty')}</p>
			<p>{t('app.emptyHint')}</p>
		</div>
	) : null;
}
