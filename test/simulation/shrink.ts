/**
 * From a seed that breaks a promise to the least that still breaks it: parts of the run are left out as long as it does
 * (after Zeller and Hildebrandt 2002, delta debugging). Each part draws its luck anew (Random.begin), so that leaving one
 * out changes little in the others.
 */

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

/** The shortest that was found; the whole run when it breaks nothing. */
export function shrink<P extends Played>(play: (cut: Cut) => P): P {
  let best = play(WHOLE);
  const wanted = kindOf(best);
  let kept = Array.from({ length: best.parts }, (_, part) => part);
  const all = kept;
  let tries = 0;
  /** True when these may go. */
  const goes = (gone: readonly number[]): boolean => {
    const rest = kept.filter((part) => !gone.includes(part));
    const tried = play({ without: new Set(all.filter((part) => !rest.includes(part))) });
    tries += 1;
    if (kindOf(tried) !== wanted) return false;
    best = tried;
    kept = rest;
    return true;
  };
  for (let size = kept.length >> 1; size >= 1 && wanted !== undefined && tries < MAX_TRIES; ) {
    let anyGone = false;
    for (let from = 0; from < kept.length && tries < MAX_TRIES; ) {
      if (goes(kept.slice(from, from + size))) anyGone = true;
      else from += size;
    }
    // Single parts again as long as that helps: what one of them needed may be gone by now.
    if (size > 1) size >>= 1;
    else if (!anyGone) break;
  }
  return best;
}

/** The complaint without its names: another mistake on the way would be another story. */
function kindOf({ broken }: Played): string | undefined {
  return broken[0]
    ?.split(/\W+/)
    .filter((word) => WORDS.has(word))
    .join(' ');
}

const WORDS = new Set(
  'lost left behind came back took name bytes different differ trees know copy ended falsely twice rest cannot'.split(
    ' ',
  ),
);
