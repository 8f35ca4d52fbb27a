import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Modal } from '../ui/Modal';
import type { DialogProps } from './Dialogs';
import { keysText } from './keys';
import { allCommands, commandOf, type Command, type Group } from './registry';
import { SearchField } from '../ui/SearchField';

/** All commands with their keys, by group. */
export default function Shortcuts({ onClose }: DialogProps) {
	const { t } = useTranslation();
	const [text, setText] = useState('');
	const groups = new Map<Group, Command[]>();
	for (const command of allCommands()) {
		if (command.title().toLowerCase().includes(text.trim().toLowerCase())) {
			groups.set(command.group, [...(groups.get(command.group) ?? []), command]);
		}
	}
	return (
		<Modal title={t('keys.title')} onClose={onClose} className="shortcuts">
			<SearchField testid="shortcut-search" label={t('keys.search')} value={text} onChange={setText} autoFocus />
			<div className="shortcut-groups" tabIndex={0} role="region" aria-label={t('keys.title')}>
				{[...groups].map(([group, commands]) => (
					<section key={group}>
						<h3>{t(`groups.${group}`)}</h3>
						<dl>
							{commands.map((command) => (
								<div key={command.id} data-testid={`shortcut-${command.id}`}>
									<dt>{command.title()}</dt>
									<dd>
										{command.keys?.map((keys) => <kbd key={keys}>{keysText(keys)}</kbd>) ?? (
											<span className="faint">{t('keys.none')}</span>
										)}
									</dd>
								</div>
							))}
						</dl>
					</section>
				))}
			</div>
			<p className="faint">{t('keys.more', { keys: keysText(commandOf('palette').keys?.[0] ?? '') })}</p>
		</Modal>
	);
}
