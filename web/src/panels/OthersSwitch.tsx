import { setPrefs, usePrefs } from '../prefs';
import { t } from '../i18n/i18n';

/** Whether jobs and pictures of other clients are shown. */
export function OthersSwitch() {
	const others = usePrefs((prefs) => prefs.others);
	return (
		<label className="check others">
			<input
				type="checkbox"
				data-testid="show-others"
				checked={others}
				onChange={(event) => setPrefs({ others: event.target.checked })}
			/>
			{t('running.others')}
		</label>
	);
}
