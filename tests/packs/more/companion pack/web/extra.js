export const name = 'extra';
