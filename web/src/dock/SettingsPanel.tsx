import { useTranslation } from 'react-i18next';
import { LANGUAGES, type Language } from '../i18n/i18n';
import { openDialog } from '../commands/dialogs';
import { ServerSettings } from '../inspect/ServerSettings';
import { Icon } from '../panels/icons';
import { resetPrefs, setPrefs, usePrefs, type Theme } from '../prefs';

const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

/** What a person chooses for this browser. */
export default function SettingsPanel() {
	const { t } = useTranslation();
	const prefs = usePrefs();
	return (
		<div className="settings">
			<label>
				{t('settings.theme')}
				<select
					data-testid="setting-theme"
					value={prefs.theme}
					onChange={(event) => setPrefs({ theme: event.target.value as Theme })}
				>
					{THEMES.map((theme) => (
						<option key={theme} value={theme}>
							{t(`settings.themes.${theme}`)}
						</option>
					))}
				</select>
			</label>
			<label>
				{t('settings.language')}
				<select
					data-testid="setting-language"
					value={prefs.language}
					onChange={(event) => setPrefs({ language: event.target.value as Language })}
				>
					{Object.entries(LANGUAGES).map(([tag, name]) => (
						<option key={tag} value={tag} lang={tag}>
							{name}
						</option>
					))}
				</select>
			</label>
			{(['snap', 'guides', 'minimap', 'notify'] as const).map((name) => (
				<label key={name} className="check">
					<input
						type="checkbox"
						data-testid={`setting-${name}`}
						checked={prefs[name]}
						onChange={(event) => setPrefs({ [name]: event.target.checked })}
					/>
					{t(`settings.${name}`)}
				</label>
			))}
			<div className="setting-actions">
				<button type="button" data-testid="setting-keys" onClick={() => openDialog('shortcuts')}>
					<Icon name="list" /> {t('inspect.settings.keys')}
				</button>
				<button type="button" data-testid="setting-reset" onClick={resetPrefs}>
					<Icon name="undo" /> {t('inspect.settings.reset')}
				</button>
			</div>
			<ServerSettings />
		</div>
	);
}
