interface SearchFieldProps {
	readonly testid: string;
	readonly label: string;
	readonly value: string;
	readonly onChange: (value: string) => void;
	readonly autoFocus?: boolean;
}

/** Words to look for something by. */
export function SearchField({ testid, label, value, onChange, autoFocus = false }: SearchFieldProps) {
	return (
		<input
			type="search"
			autoFocus={autoFocus}
			data-testid={testid}
			aria-label={label}
			placeholder={label}
			value={value}
			onChange={(event) => onChange(event.target.value)}
		/>
	);
}
