import type { Said } from './words';

/** What differs, a line each; `same` if nothing does. */
export function Differences({ said, same }: { said: readonly Said[]; same: string }) {
	return said.length === 0 ? (
		<p className="none" data-testid="differences">
			{same}
		</p>
	) : (
		<ul className="differences" data-testid="differences">
			{said.map(({ tone, text }, index) => (
				<li key={index} data-tone={tone}>
					{text}
				</li>
			))}
		</ul>
	);
}
