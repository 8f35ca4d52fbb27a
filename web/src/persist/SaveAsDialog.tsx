import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { DialogProps } from '../commands/Dialogs';
import { Modal } from '../ui/Modal';
import { tell } from '../run/submit';
import { activeTab, openedOf } from '../tabs/tabs';
import { nameFor } from './names';
import { saveAs } from './saving';

/** Asks for a name, and before it replaces what has it already. */
export default function SaveAsDialog({ onClose }: DialogProps) {
	const { t } = useTranslation();
	const [name, setName] = useState(() => activeTab().name ?? openedOf(activeTab()).doc.root.title);
	const [refused, setRefused] = useState<'taken' | 'readOnly' | null>(null);
	const wanted = nameFor(name);
	const submit = (event: FormEvent): void => {
		event.preventDefault();
		void tell(async () => {
			const outcome = await saveAs(activeTab(), wanted, refused === 'taken' ? null : 'new');
			if (outcome === 'saved') {
				onClose();
			} else {
				setRefused(outcome);
			}
		});
	};
	return (
		<Modal title={t('commands.saveAs')} onClose={onClose} className="small">
			<form className="save-as" onSubmit={submit}>
				<label>
					{t('persist.name')}
					<input
						data-testid="save-name"
						autoFocus
						spellCheck={false}
						value={name}
						aria-describedby="save-refused"
						onFocus={(event) => event.target.select()}
						onChange={(event) => {
							setName(event.target.value);
							setRefused(null);
						}}
					/>
				</label>
				<p id="save-refused" role="status" className="hint" data-testid="save-refused">
					{refused === null ? '' : t(`persist.${refused}`, { name: wanted })}
					{refused === null && wanted !== '' && wanted !== name.trim() && t('persist.becomes', { name: wanted })}
				</p>
				<div className="buttons">
					<button type="button" onClick={onClose}>
						{t('common.cancel')}
					</button>
					<button type="submit" className="primary" data-testid="save-confirm" disabled={wanted === '' || refused === 'readOnly'}>
						{t(refused === 'taken' ? 'persist.replace' : 'persist.save')}
					</button>
				</div>
			</form>
		</Modal>
	);
}
