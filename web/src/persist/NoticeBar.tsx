import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { openDialog } from '../commands/dialogs';
import { Icon } from '../panels/icons';
import { tell } from '../run/submit';
import { useTabs } from '../tabs/tabs';
import { useMissing } from '../opening/missing';
import { discardDrafts, restoreDrafts } from './drafts';
import { settle, useNotices } from './notices';

/** Over the canvas, which stays where it is: what a person should know of the document on it, and unsaved work that was found. */
export function NoticeBar() {
	const { t } = useTranslation();
	const active = useTabs((state) => state.active);
	const notice = useNotices((state) => state.tabs[active]);
	const drafts = useNotices((state) => state.drafts);
	const { kinds, models, hidden } = useMissing();
	const name = useTabs((state) => state.tabs.find(({ id }) => id === active)?.name ?? '');
	return (
		<div className="notices">
			{drafts.length > 0 && (
				<Line id="drafts" text={t('persist.drafts.found', { count: drafts.length })} onClose={() => useNotices.setState({ drafts: [] })}>
					<button type="button" data-testid="drafts-restore" onClick={() => void tell(() => restoreDrafts(drafts))}>
						{t('persist.drafts.restore', { count: drafts.length })}
					</button>
					<button type="button" data-testid="drafts-discard" onClick={() => void tell(() => discardDrafts(drafts))}>
						{t('persist.drafts.discard')}
					</button>
				</Line>
			)}
			{notice !== undefined && (
				<Line id={notice.about} text={t(`persist.notice.${notice.about}`, { name })} onClose={() => settle(active)}>
					{notice.about !== 'twice' && (
						<button type="button" data-testid="notice-look" onClick={() => openDialog('conflict')}>
							{t('persist.notice.look')}
						</button>
					)}
				</Line>
			)}
			{kinds.length + models.length > 0 && !hidden && (
				<Line
					id="missing"
					text={[
						...(kinds.length > 0 ? [t('opening.kinds', { count: kinds.length })] : []),
						...(models.length > 0 ? [t('opening.models', { count: models.length })] : []),
					].join(' ')}
					onClose={() => useMissing.setState({ hidden: true })}
				>
					<button type="button" data-testid="missing-look" onClick={() => openDialog('missing')}>
						{t('opening.look')}
					</button>
				</Line>
			)}
		</div>
	);
}

interface LineProps {
	readonly id: string;
	readonly text: string;
	readonly onClose: () => void;
	readonly children?: ReactNode;
}

function Line({ id, text, onClose, children }: LineProps) {
	const { t } = useTranslation();
	return (
		<div className="notice" role="status" data-testid={`notice-${id}`}>
			<Icon name="alert" />
			<span>{text}</span>
			{children}
			<button type="button" className="tool" aria-label={t('common.dismiss')} onClick={onClose}>
				<Icon name="close" />
			</button>
		</div>
	);
}
