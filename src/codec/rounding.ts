/** Added and then taken away again, this rounds a double below 2^51 to an integer, ties to even. */
export const ROUND = 1.5 * 2 ** 52;
