import { ReactFlowProvider } from '@xyflow/react';
import { useBoot } from './boot';
import { Canvas } from './canvas/Canvas';
import { useGraph } from './graph/store';
import { Dialogs } from './commands/Dialogs';
import { Dock } from './dock/Dock';
import { ContextMenu } from './panels/ContextMenu';
import { Lightbox } from './panels/Lightbox';
import { SearchPalette } from './panels/SearchPalette';
import { SidePanel } from './panels/SidePanel';
import { Toasts } from './panels/Toasts';
import { Toolbar } from './panels/Toolbar';
import { Tooltips } from './panels/Tooltips';
import { TabBar } from './tabs/TabBar';

export function App() {
	const { ready, waiting } = useBoot();
	if (!ready) {
		return (
			<div className="app starting" role="status">
				<img src="./favicon.svg" alt="" width="48" height="48" />
				<p>{waiting === '' ? 'Loading…' : `${waiting} Trying again…`}</p>
				<Toasts />
			</div>
		);
	}
	return (
		<ReactFlowProvider>
			<div className="app" data-testid="editor-ready">
				<Toolbar />
				<Dock />
				<main>
					<TabBar />
					<Canvas />
					<EmptyHint />
				</main>
				<SidePanel />
				<SearchPalette />
				<ContextMenu />
				<Lightbox />
				<Dialogs />
				<Toasts />
				<Tooltips />
			</div>
		</ReactFlowProvider>
	);
}

function EmptyHint() {
	const empty = useGraph((state) => Object.keys(state.graph.nodes).length === 0);
	return empty ? (
		<div className="empty">
			<p>An empty canvas.</p>
			<p>
				Double click or press <kbd>/</kbd> to add a node, open one of the workflows above, or drop a workflow file or
				picture here.
			</p>
		</div>
	) : null;
}
