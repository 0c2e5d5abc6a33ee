/** "Did you mean": the known word that is the fewest slips of the keyboard away from the one given. */

/** Damerau-Levenshtein (optimal string alignment): letters changed, missing, surplus or swapped with the neighbour. */
export function slips(given: string, known: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: known.length + 1 }, (_, index) => index);
  for (let row = 1; row <= given.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= known.length; column += 1) {
      const same = given[row - 1] === known[column - 1];
      const swapped =
        row > 1 && column > 1 && given[row - 1] === known[column - 2] && given[row - 2] === known[column - 1];
      const least = [
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      ];
      current.push(Math.min(...least));
    }
    beforeLast = last;
    last = current;
  }
  return last[known.length] ?? 0;
}

/** Null when nothing is near enough to have been meant. */
export function nearest(given: string, known: readonly string[]): string | null {
  const short = given.slice(0, 60);
  const ranked = known
    .map((word) => ({ word, distance: slips(short, word) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  const enough = Math.max(2, Math.floor(short.length / 3));
  if (best !== undefined && best.distance <= enough) return best.word;
  // "--passive" for --passive-ports.
  return (short.length >= 3 && known.find((word) => word.startsWith(short))) || null;
}
