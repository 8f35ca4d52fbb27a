import { useEffect, useRef, useState } from 'react';
import { fetchKinds } from '../api/http';
import { runCommand } from '../commands/registry';
import type { WorkflowEntry } from '../api/types';
import { useKinds } from '../graph/kinds';
import { tell } from '../run/submit';
import { listWorkflows, openFile, openFromServer, openNew, saveFile } from './files';
import { Icon } from './icons';
import { showToast } from './toasts';
import { t } from '../i18n/i18n';

export function WorkflowMenu() {
	const [open, setOpen] = useState(false);
	const [entries, setEntries] = useState<readonly WorkflowEntry[] | null>(null);
	const menu = useRef<HTMLDivElement>(null);
	const picker = useRef<HTMLInputElement>(null);

	useEffect(() => {
		if (!open) {
			return undefined;
		}
		void listWorkflows().then(setEntries);
		const close = (event: Event): void => {
			const outside = !(event.target instanceof Node && menu.current?.contains(event.target) === true);
			if (event instanceof KeyboardEvent ? event.key === 'Escape' : outside) {
				setOpen(false);
			}
		};
		window.addEventListener('pointerdown', close, true);
		window.addEventListener('keydown', close);
		return () => {
			window.removeEventListener('pointerdown', close, true);
			window.removeEventListener('keydown', close);
		};
	}, [open]);

	const choose = (act: () => void): void => {
		setOpen(false);
		act();
	};
	return (
		<div className="dropdown" ref={menu}>
			<button
				type="button"
				data-testid="workflow-menu"
				aria-haspopup="menu"
				aria-expanded={open}
				onClick={() => setOpen(!open)}
			>
				{t('files.workflows')} <Icon name="chevron" />
			</button>
			{open && (
				<div className="menu" role="menu">
					<div className="group">{t('files.onServer')}</div>
					<div className="scroll">
						{entries === null && <p className="none">{t('common.loading')}</p>}
						{entries?.length === 0 && <p className="none">{t('common.none')}</p>}
						{entries?.map((entry) => (
							<button
								key={entry.name}
								type="button"
								role="menuitem"
								className="workflow"
								data-testid={`workflow-${entry.name}`}
								onClick={() => choose(() => void openFromServer(entry.name))}
							>
								<span>{entry.title}</span>
								{entry.description !== '' && <small>{entry.description}</small>}
							</button>
						))}
					</div>
					<div className="group">{t('groups.file')}</div>
					<button type="button" role="menuitem" data-testid="workflow-new" onClick={() => choose(openNew)}>
						<Icon name="file" /> {t('commands.newTab')}
					</button>
					<button
						type="button"
						role="menuitem"
						data-testid="workflow-open"
						onClick={() => choose(() => picker.current?.click())}
					>
						<Icon name="folder" /> {t('commands.open')}
					</button>
					<button type="button" role="menuitem" data-testid="workflow-keep" onClick={() => choose(() => runCommand('save'))}>
						<Icon name="save" /> {t('commands.save')}
					</button>
					<button type="button" role="menuitem" data-testid="workflow-save" onClick={() => choose(saveFile)}>
						<Icon name="download" /> {t('commands.download')}
					</button>
					<button type="button" role="menuitem" onClick={() => choose(() => void refresh())}>
						<Icon name="refresh" /> {t('commands.reload')}
					</button>
				</div>
			)}
			<input
				ref={picker}
				type="file"
				accept=".json,application/json,image/png,image/webp,image/jpeg,image/avif"
				hidden
				data-testid="workflow-file"
				onChange={(event) => {
					const [file] = event.target.files ?? [];
					event.target.value = '';
					if (file !== undefined) {
						void openFile(file);
					}
				}}
			/>
		</div>
	);
}

async function refresh(): Promise<void> {
	const done = await tell(async () => useKinds.getState().set(await fetchKinds()));
	if (done) {
		showToast('info', t('files.reloaded'));
	}
}
