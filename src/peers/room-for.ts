/** Whether an upload that says how long it is going to be has room on this member. */
import { Refusal } from '../replication/operation.ts';
import type { Members } from './members.ts';
import type { StatusReply } from './protocol-reports.ts';

/** What lies in the trash makes room while bytes come. @throws Refusal no-space */
export async function requireRoom({ local }: Members, path: string, announcedBytes: number): Promise<void> {
  if (announcedBytes <= (local.lastHello?.freeBytes ?? 0)) return;
  const status = (await local.attempt((client) => client.status()))?.value;
  const free = status === undefined ? Number.POSITIVE_INFINITY : roomIn(status);
  if (announcedBytes <= free) return;
  throw new Refusal('no-space', `${announcedBytes} bytes announced, ${free} free`, { path });
}

/** Parts and trash make room for a file. */
function roomIn({ hello, trashBytes, partBytes = 0 }: StatusReply): number {
  return hello.freeBytes + trashBytes + partBytes;
}
