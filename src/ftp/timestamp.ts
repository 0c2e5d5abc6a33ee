/** Times as RFC 3659 section 2.3 writes them: YYYYMMDDHHMMSS[.fraction], always UTC. */

const TIME_VAL = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d+))?$/;

/** Whole seconds: what clients compare with. `mtime` in milliseconds. */
export function formatTimestamp(mtime: number): string {
  const date = new Date(mtime);
  const year = date.getUTCFullYear();
  // Before the year 1000 and behind 9999: only what stands in ISO 8601 says it right.
  if (!(year >= 1000 && year <= 9999)) return date.toISOString().slice(0, 19).replace(/[-T:]/g, '');
  const day = (year * 100 + date.getUTCMonth() + 1) * 100 + date.getUTCDate();
  const time = (date.getUTCHours() * 100 + date.getUTCMinutes()) * 100 + date.getUTCSeconds();
  // One number: a listing has as many of these as a folder has files.
  return String(day * 1_000_000 + time);
}

/** Milliseconds since 1970, null for anything that is not a moment of the calendar. A leap second counts as :59. */
export function parseTimestamp(text: string): number | null {
  const match = TIME_VAL.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (hour > 23 || minute > 59 || second > 60) return null;
  const milliseconds = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  date.setUTCHours(hour, minute, Math.min(second, 59), milliseconds);
  return date.getTime();
}
