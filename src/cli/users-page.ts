/** What `cloudroid users list` shows. */
import { type Account, parseAccount } from '../accounts/account.ts';
import type { AccountFile, Usage } from '../peers/protocol-accounts.ts';
import { formatAgo, formatBytes } from './status-page.ts';

export const NO_ACCOUNTS = `No accounts: guest with the public password guest may read, change and delete everything.
The first account ends that: cloudroid users add NAME
`;

/** `used` null: the folder could not be counted. */
export interface UserRow extends Usage {
  readonly name: string;
  /** Null: its file cannot be read; nobody logs in. */
  readonly account: Account | null;
}

export function userRow({ name, text }: AccountFile, usage: Usage): UserRow {
  return { name, account: parseAccount(name, text), ...usage };
}

function cells({ name, account, bytes }: UserRow, now: number): readonly string[] {
  if (account === null) return [name, '?', 'cannot be read', '', '', ''];
  const { home, rights, password, quotaBytes, changedAt } = account;
  return [
    name,
    home,
    password === null ? 'switched off' : rights,
    quotaBytes === null ? 'none' : formatBytes(quotaBytes),
    formatBytes(bytes),
    formatAgo(changedAt, now),
  ];
}

export function usersPage(rows: readonly UserRow[], now: number): string {
  const table = [
    ['NAME', 'HOME', 'RIGHTS', 'QUOTA', 'USED', 'CHANGED'],
    ...rows.map((row) => cells(row, now)),
  ];
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const nobody = rows.every(({ account }) => account === null || account.password === null);
  return `${lines.join('\n')}\n${nobody ? '\nNobody can log in: cloudroid users add NAME\n' : ''}`;
}

/** For programs: no hashes. */
export function usersJson(rows: readonly UserRow[]): string {
  const shown = rows.map(({ name, account, bytes, files }) => ({
    name,
    readable: account !== null,
    enabled: account !== null && account.password !== null,
    home: account?.home ?? null,
    rights: account?.rights ?? null,
    quotaBytes: account?.quotaBytes ?? null,
    changedAt: account?.changedAt ?? null,
    usedBytes: bytes,
    files,
  }));
  return `${JSON.stringify(shown, null, 2)}\n`;
}
