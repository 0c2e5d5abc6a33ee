/** SITE DISK (peers/protocol-disk.ts). */
import type { DiskReply } from '../../peers/protocol-disk.ts';
import { wrong } from './request-fields.ts';
import { type Handler, requireOwn } from './site-handler.ts';

export const diskVerbs: { readonly [verb: string]: Handler } = {
  async DISK(request, { store }, peer): Promise<DiskReply> {
    requireOwn(peer);
    const { accept, rebuild } = request;
    if (accept !== undefined && accept !== 'empty' && accept !== 'files') throw wrong('accept');
    if (rebuild !== undefined && rebuild !== 'alone') throw wrong('rebuild');
    if (accept !== undefined) store.disk.accept(accept);
    return { rebuilding: rebuild === 'alone' ? await store.disk.rebuildAlone() : false };
  },
};
