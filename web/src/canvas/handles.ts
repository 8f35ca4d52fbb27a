/** Names of the connection points React Flow knows. */

export function inputHandle(name: string): string {
	return `in:${name}`;
}

export function outputHandle(index: number): string {
	return `out:${index}`;
}

export function inputName(handle: string | null | undefined): string | null {
	return handle?.startsWith('in:') === true ? handle.slice(3) : null;
}

/** A node of an unknown kind has outputs known only by the names that links give them. */
export function outputIndex(handle: string | null | undefined): number | null {
	return handle?.startsWith('out:') === true ? Number(handle.slice(4)) : null;
}
