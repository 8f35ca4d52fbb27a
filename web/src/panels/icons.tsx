/** The editor's icons: strokes on a grid of 16. */

const PATHS = {
	plus: 'M8 3v10M3 8h10',
	minus: 'M3 8h10',
	close: 'M4 4l8 8M12 4l-8 8',
	play: 'M5 3.5v9l7.5-4.5z',
	stop: 'M4.5 4.5h7v7h-7z',
	undo: 'M6 3.5 3 6.5l3 3M3 6.5h6a3.5 3.5 0 0 1 0 7H7',
	redo: 'M10 3.5l3 3-3 3M13 6.5H7a3.5 3.5 0 0 0 0 7h2',
	tidy: 'M2.5 3h4v3.5h-4zM2.5 9.5h4V13h-4zM10 6.2h3.5v3.6H10zM6.5 4.8h1.7v6.4H6.5M8.2 8H10',
	fit: 'M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10',
	search: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3l3.2 3.2',
	chevron: 'M4.5 6.5 8 10l3.5-3.5',
	file: 'M4 2.5h5l3 3v8H4zM9 2.5v3h3',
	folder: 'M2.5 12.5v-9h4l1.5 2h5.5v7z',
	save: 'M3 2.5h8L13.5 5v8.5H3zM5.5 2.5v3.5h5v-3.5M5.5 13.5v-4h5.5v4',
	download: 'M8 2.5v7.5M5 7.2l3 3 3-3M3 13.5h10',
	upload: 'M8 10.5V3M5 5.8l3-3 3 3M3 13.5h10',
	dice: 'M3 3h10v10H3zM5.8 5.8h.01M10.2 10.2h.01M10.2 5.8h.01M5.8 10.2h.01',
	info: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM8 7.2v4M8 4.8h.01',
	check: 'M3.5 8.5l3 3 6-7',
	alert: 'M8 2.2 14.2 13H1.8zM8 6.5v3M8 11.3h.01',
	panel: 'M2.5 3h11v10h-11zM10 3v10',
	external: 'M9 2.5h4.5V7M13.5 2.5 7.5 8.5M11.5 9.5v4h-9v-9h4',
	left: 'M10 3.5 5.5 8l4.5 4.5',
	right: 'M6 3.5 10.5 8 6 12.5',
	bolt: 'M8.8 1.8 3.5 9h4l-.6 5.2L12.5 7h-4z',
	copy: 'M5.5 5.5h8v8h-8zM3 10.5h-.5v-8h8V3',
	trash: 'M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.6 9h5.8l.6-9',
	exit: 'M6 8h7.5M10.5 5l3 3-3 3M7 3H2.5v10H7',
	entry: 'M2.5 8h7M6.5 5l3 3-3 3M9 3h4.5v10H9',
	gear: 'M8 5.6a2.4 2.4 0 1 1 0 4.8 2.4 2.4 0 0 1 0-4.8zM8 1.8v1.7M8 12.5v1.7M1.8 8h1.7M12.5 8h1.7M3.6 3.6l1.2 1.2M11.2 11.2l1.2 1.2M3.6 12.4l1.2-1.2M11.2 4.8l1.2-1.2',
	list: 'M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.01M2.5 8h.01M2.5 12h.01',
	grid: 'M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5H2.5zM9 9h4.5v4.5H9z',
	clock: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM8 4.5V8l2.5 2',
	box: 'M8 1.8 13.5 4.7v6.6L8 14.2l-5.5-2.9V4.7zM2.5 4.7 8 7.6l5.5-2.9M8 7.6v6.6',
	plug: 'M5.5 2v3.5M10.5 2v3.5M3.5 5.5h9v2a4.5 4.5 0 0 1-9 0zM8 12v2.5',
	log: 'M3 2.5h10v11H3zM5.5 5.5h5M5.5 8h5M5.5 10.5h3',
	pause: 'M5 3.5h2v9H5zM9 3.5h2v9H9z',
	grip: 'M6 4h.01M10 4h.01M6 8h.01M10 8h.01M6 12h.01M10 12h.01',
	compare: 'M2.5 3h11v10h-11zM8 1.5v13M4.5 8h1.5M10 8h1.5',
	form: 'M2.5 3.5h11v3h-11zM2.5 9.5h11v3h-11zM4.5 5h.01M4.5 11h.01',
	refresh: 'M13 8a5 5 0 1 1-1.6-3.7M13 2.5v2.7h-2.7',
	brush: 'M13.5 2.5 7.4 8.6M7.6 8.4a2.2 2.2 0 0 0-2.9 2c0 1.2-.7 2-2.2 2.3 1.4.9 5.6 1.3 6-1.9a2.3 2.3 0 0 0-.9-2.4zM13.5 2.5l-3.9 7',
	eraser: 'M6 13.5h7.5M3 9.5 9 3.5l4 4-6 6H5.5L3 11z',
	drop: 'M8 2.2c2.4 3 4 5 4 7.1a4 4 0 0 1-8 0c0-2.100 1.600-4.100 4-7.100z',
	bucket: 'M3 8.500 8.500 3l5 5-5.500 5.500a1 1 0 0 1-1.400 0L3 9.900a1 1 0 0 1 0-1.400zM3.200 8.200h10M6.500 2.500l2 2M14 11.500v1.500',
	invert: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM8 2v12M10.500 3.800v8.400M9.200 2.600v10.800',
	eye: 'M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8zM8 6a2 2 0 1 1 0 4 2 2 0 0 1 0-4z',
	muted: 'M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8zM2.5 13.5l11-11',
	frame: 'M2.5 3h11v10h-11zM2.5 5.8h11',
	more: 'M3 8h.01M8 8h.01M13 8h.01',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
	return (
		<svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
			<path d={PATHS[name]} />
		</svg>
	);
}
