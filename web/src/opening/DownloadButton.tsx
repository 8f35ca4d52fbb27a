import { useTranslation } from 'react-i18next';
import { tell } from '../run/submit';
import { beginDownload, endDownload, fileOf, useDownloads } from './downloading';
import type { LostModel } from './missing';

/** One click has the server fetch a model file; another one ends that. */
export function DownloadButton({ model }: { model: LostModel }) {
	const { t } = useTranslation();
	const download = useDownloads((state) => state.files.get(fileOf(model)));
	const running = download?.state === 'running';
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
				onClick={() => void tell(() => (running ? endDownload(download) : beginDownload(model)))}
			>
				{running
					? t('opening.stop', { percent: Math.round((download.fraction ?? 0) * 100) })
					: t('opening.download', { host: new URL(model.url).hostname })}
			</button>
		</>
	);
}
