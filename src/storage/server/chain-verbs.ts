/** SITE verbs of chains (peers/protocol-chain.ts): requests checked. */
import { type ArrivedReply, type ChainRequest, MAX_CHAIN } from '../../peers/protocol-chain.ts';
import type { MemberStatus } from '../../peers/protocol-reports.ts';
import { count, type Fields, object, text, wrong } from './request-fields.ts';
import type { Handler } from './site-handler.ts';

const MEMBER = /^[a-z0-9-]{1,40}$/;
const LONGEST_WAIT_MS = 2_000;

export const chainVerbs: { readonly [verb: string]: Handler } = {
  async ARRIVED(request, { chains }): Promise<ArrivedReply> {
    return await chains.arrived(text(request, 'id'), Math.min(count(request, 'waitMs'), LONGEST_WAIT_MS));
  },
};

/** @throws WireError */
export function chainOf(request: Fields): ChainRequest {
  const chain = object(request, 'chain');
  const { next } = chain;
  if (!Array.isArray(next) || next.length > MAX_CHAIN || !next.every(isMember)) throw wrong('chain');
  const [origin, hop] = [text(chain, 'origin'), count(chain, 'hop')];
  if (!isMember(origin) || hop > MAX_CHAIN) throw wrong('chain');
  return { origin, hop, next, ...(chain['size'] !== undefined && { size: count(chain, 'size') }) };
}

function isMember(value: unknown): value is string {
  return typeof value === 'string' && MEMBER.test(value);
}

/** Of the report of this member's own gateway. */
export function membersOf(report: Fields): readonly MemberStatus[] {
  return Array.isArray(report['members']) ? (report['members'] as MemberStatus[]) : [];
}
