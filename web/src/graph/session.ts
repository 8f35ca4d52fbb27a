let last = 0;

export function nextSession(): number {
	last += 1;
	return last;
}
