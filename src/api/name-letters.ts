/** Letters of generated names: no vowels, which could spell words, and nothing that looks like another (util/rand). */
export const NAME_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';
