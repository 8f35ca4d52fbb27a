export const name = 'more';
