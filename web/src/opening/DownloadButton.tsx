import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { cancelDownload, fetchDownload, startDownload, type Download } from '../api/downloads';
import { fetchKinds } from '../api/http';
import { useKinds } from '../graph/kinds';
import { recheck } from '../run/check';
import { tell } from '../run/submit';
import type { LostModel } from './missing';

const POLL_MS = 500;

/** One click has the server fetch a model file; another one ends that. */
export function DownloadButton({ model }: { model: LostModel }) {
	const { t } = useTranslation();
	const [download, setDownload] = useState<Download | null>(null);
	const running = download?.state === 'running';
	useEffect(() => {
		if (download === null || download.state === 'cancelled' || download.state === 'failed') {
			return undefined;
		}
		if (download.state === 'done') {
			void tell(async () => {
				useKinds.getState().set(await fetchKinds());
				recheck();
			});
			return undefined;
		}
		const timer = setTimeout(() => void tell(async () => setDownload(await fetchDownload(download.id))), POLL_MS);
		return () => clearTimeout(timer);
	}, [download]);
	return (
		<>
			{download?.error !== undefined && download.error !== '' && (
				<span role="alert" className="failed">
					{download.error}
				</span>
			)}
			<button
				type="button"
				data-testid={`download-${model.name}`}
				onClick={() =>
					void tell(async () => setDownload(await (running ? cancelDownload(download.id) : startDownload(model))))
				}
			>
				{running
					? t('opening.stop', { percent: Math.round((download.fraction ?? 0) * 100) })
					: t('opening.download', { host: new URL(model.url).hostname })}
			</button>
		</>
	);
}
