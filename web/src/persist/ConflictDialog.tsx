import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { fetchDifference } from '../api/difference';
import type { DialogProps } from '../commands/Dialogs';
import { openDialog } from '../commands/dialogs';
import { writeDoc } from '../graph/document';
import { currentDoc } from '../graph/store';
import { Modal } from '../ui/Modal';
import { tell } from '../run/submit';
import { activeTab } from '../tabs/tabs';
import { Differences } from './Differences';
import { useNotices } from './notices';
import { overwrite, takeTheirs } from './saving';
import { differenceWords, type Said } from './words';

/** Somebody saved or deleted the workflow since it was opened here: what now? */
export default function ConflictDialog({ onClose }: DialogProps) {
	const { t } = useTranslation();
	const notice = useNotices((state) => state.tabs[activeTab().id]);
	const [said, setSaid] = useState<readonly Said[] | null>(null);
	const { name } = activeTab();
	const theirs = notice?.about === 'changed' ? notice.theirs : null;
	const compare = (): void =>
		void tell(async () => {
			if (theirs !== null) {
				setSaid(differenceWords(await fetchDifference(theirs.document, writeDoc(currentDoc()))));
			}
		});
	return (
		<Modal title={t('persist.conflict.title')} onClose={onClose} className="small">
			<div className="conflict" data-testid="conflict">
				<p>{t(theirs === null ? 'persist.conflict.gone' : 'persist.conflict.changed', { name })}</p>
				{said !== null && <Differences said={said} same={t('persist.conflict.same')} />}
				<div className="buttons">
					{theirs !== null && said === null && (
						<button type="button" data-testid="conflict-compare" onClick={compare}>
							{t('persist.conflict.compare')}
						</button>
					)}
					{theirs !== null && (
						<button type="button" data-testid="conflict-take" data-tip={t('persist.conflict.takeTip')} onClick={takeTheirs}>
							{t('persist.conflict.take')}
						</button>
					)}
					<button type="button" data-testid="conflict-other" onClick={() => openDialog('saveAs')}>
						{t('persist.conflict.other')}
					</button>
					<button
						type="button"
						className="danger"
						data-testid="conflict-overwrite"
						data-tip={t('persist.conflict.overwriteTip')}
						onClick={() => void tell(overwrite)}
					>
						{t(theirs === null ? 'persist.conflict.again' : 'persist.conflict.overwrite')}
					</button>
				</div>
			</div>
		</Modal>
	);
}
