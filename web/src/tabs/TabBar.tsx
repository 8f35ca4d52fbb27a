import { useTranslation } from 'react-i18next';
import { useGraph } from '../graph/store';
import { commandItem, openMenu } from '../panels/menu';
import { Icon } from '../panels/icons';
import { runCommand } from '../commands/registry';
import { closeTab, lastEdit, switchTab, useTabs, type Tab } from './tabs';

/** The open workflows, each with its title; a dot where something is not saved on the server. */
export function TabBar() {
	const { t } = useTranslation();
	const { tabs, active } = useTabs();
	return (
		<div className="tabs">
			{/* Beside the tabs stand buttons that close them, which a list of tabs must not contain. */}
			<span role="tablist" aria-label={t('tabs.label')} aria-owns={tabs.map(({ id }) => id).join(' ')} />
			<div className="tab-row">
				{tabs.map((tab) => (
					<TabButton key={tab.id} tab={tab} selected={tab.id === active} />
				))}
			</div>
			<button
				type="button"
				className="tool"
				data-testid="tab-new"
				aria-label={t('tabs.add')}
				data-tip={t('tabs.add')}
				onClick={() => runCommand('newTab')}
			>
				<Icon name="plus" />
			</button>
		</div>
	);
}

function TabButton({ tab, selected }: { tab: Tab; selected: boolean }) {
	const { t } = useTranslation();
	const shown = useGraph((state) => state.doc);
	const doc = selected ? shown : tab.opened.doc;
	const title = doc.root.title || t('tabs.untitled');
	const edit = useGraph((state) => lastEdit(state.log));
	const changed = tab.mark !== (selected ? edit : lastEdit(tab.opened.log));
	return (
		<div
			className="tab"
			data-selected={selected || undefined}
			onAuxClick={(event) => event.button === 1 && closeTab(tab.id)}
			onContextMenu={(event) => openMenu(event, ['newTab', 'save', 'saveAs', 'download', 'reopenTab'].map(commandItem))}
		>
			<button
				type="button"
				role="tab"
				id={tab.id}
				aria-selected={selected}
				data-testid={`tab-${tab.id}`}
				onClick={() => switchTab(tab.id)}
			>
				{changed && <i className="changed" role="img" aria-label={t('tabs.changed')} data-tip={t('tabs.changed')} />}
				{title}
			</button>
			<button
				type="button"
				className="tool"
				tabIndex={selected ? 0 : -1}
				data-testid={`close-${tab.id}`}
				aria-label={t('tabs.close', { title })}
				onClick={() => closeTab(tab.id)}
			>
				<Icon name="close" />
			</button>
		</div>
	);
}
