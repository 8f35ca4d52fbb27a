import { useTranslation } from 'react-i18next';
import { fetchConfig, SECTIONS, type Setting } from '../api/config';
import { bytesText } from './format';
import { useAnswer } from './useAnswer';
import '../styles/inspect.css';

/** What the server was started with. It is changed by the flags of its command line, so here it is only read. */
export function ServerSettings() {
	const { t } = useTranslation();
	const { value: config, failure } = useAnswer(fetchConfig);
	return (
		<section className="server-settings" data-testid="server-settings">
			<h3>{t('inspect.server.title')}</h3>
			<p>{t('inspect.server.hint')}</p>
			{failure !== '' && <p className="failure">{failure}</p>}
			{config !== null &&
				SECTIONS.map((section) => (
					<details key={section} open={section === 'versions'}>
						<summary>{t(`inspect.server.${section}`)}</summary>
						<dl className="facts">
							{config[section].map(([name, value]) => (
								<div key={name}>
									<dt>{name.replaceAll('_', ' ')}</dt>
									<dd data-testid={`config-${section}-${name}`}>
										<Value value={value} bytes={section === 'limits' && name !== 'picture_pixels'} />
									</dd>
								</div>
							))}
						</dl>
					</details>
				))}
		</section>
	);
}

function Value({ value, bytes }: { value: Setting; bytes: boolean }) {
	const { t } = useTranslation();
	if (value === null) {
		return t('inspect.server.noLimit');
	}
	if (typeof value === 'boolean') {
		return t(value ? 'inspect.server.on' : 'inspect.server.off');
	}
	if (typeof value === 'number') {
		return bytes ? bytesText(value) : value.toLocaleString();
	}
	const lines = typeof value === 'string' ? [value] : value;
	return lines.every((line) => line === '') ? '–' : lines.join('\n');
}
