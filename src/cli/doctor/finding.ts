/** What a check of `cloudroid doctor` says. */

/** warning: works, and ought to be looked at. problem: something does not work, or files are in danger. */
export type Level = 'ok' | 'warning' | 'problem';

export interface Finding {
  readonly check: string;
  readonly level: Level;
  readonly text: string;
  /** What to do, for a person; null when all is well. */
  readonly cure: string | null;
}

export function ok(check: string, text: string): Finding {
  return { check, level: 'ok', text, cure: null };
}

export function warning(check: string, text: string, cure: string): Finding {
  return { check, level: 'warning', text, cure };
}

export function problem(check: string, text: string, cure: string): Finding {
  return { check, level: 'problem', text, cure };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
