/** From a seed that breaks a promise to the least that still breaks it: parts are left out as long as it does (Zeller's ddmin). */

/** What a run leaves out. */
export interface Cut {
  readonly without: ReadonlySet<number>;
}

export const WHOLE: Cut = { without: new Set() };

interface Played {
  readonly broken: readonly string[];
  readonly story: readonly string[];
  readonly parts: number;
}

const MAX_TRIES = 600;

/** `play` must break a promise with `WHOLE`. */
export function shrink<P extends Played>(play: (cut: Cut) => P): P {
  let best = play(WHOLE);
  const wanted = kindOf(best);
  let kept = Array.from({ length: best.parts }, (_, part) => part);
  let tries = 0;
  const without = (gone: ReadonlySet<number>): Cut => ({
    without: new Set(
      Array.from({ length: best.parts }, (_, part) => part).filter(
        (part) => !kept.includes(part) || gone.has(part),
      ),
    ),
  });
  for (let size = Math.ceil(kept.length / 2); size >= 1 && tries < MAX_TRIES; ) {
    let found = false;
    for (let from = 0; from < kept.length && tries < MAX_TRIES; ) {
      const gone = new Set(kept.slice(from, from + size));
      const tried = play(without(gone));
      tries += 1;
      if (kindOf(tried) === wanted) {
        best = tried;
        kept = kept.filter((part) => !gone.has(part));
        found = true;
      } else from += size;
    }
    // Once more with single parts while that helps: what one part needed may be gone now.
    if (size > 1) size = Math.ceil(size / 2);
    else if (!found) break;
  }
  return best;
}

/** The first words of the first complaint: another mistake on the way would be another story. */
function kindOf({ broken }: Played): string | undefined {
  return broken[0]?.split(/[:[]/)[0]?.split(' ').slice(-2).join(' ');
}
