import 'react';

declare module 'react' {
	interface CSSProperties {
		'--socket'?: string;
		'--accent'?: string;
		'--frame'?: string;
	}
}
